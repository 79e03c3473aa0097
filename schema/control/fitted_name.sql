-- A name that fits into an identifier: itself if it has 63 bytes or less, else its first 46 bytes
-- (at a character's edge), "!", and 10 digits of the MD5 of the whole. PostgreSQL refuses longer
-- channel names; the daemon shortens them as here.
create function bucardo.fitted_name(name text) returns text language sql stable as $$
    select case
        when octet_length(convert_to(name, 'UTF8')) <= 63 then name
        else (
            select left(name, n) from generate_series(46, 0, -1) as n
            where octet_length(convert_to(left(name, n), 'UTF8')) <= 46
            limit 1
        ) || '!' || left(md5(convert_to(name, 'UTF8')), 10)
    end
$$;
