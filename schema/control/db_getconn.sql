-- How to connect to a database, as four lines: the data source name of Perl's DBI, user, password,
-- and whether the server may keep prepared statements (t or f). A password that is not in the table
-- but in a passfile is left out.
--
-- It shows passwords: only the owner may execute it, and those the owner chooses.
create function bucardo.db_getconn(name text) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    d bucardo.db;
begin
    select * into d from bucardo.db where db.name = db_getconn.name;
    if not found then
        raise exception 'No such database: %', name;
    end if;
    if d.dbport <> '' and d.dbport !~ '^[0-9]+(,[0-9]+)*$' then
        raise exception 'The port of database "%" is not a number', name;
    end if;
    if d.dbname = '' or d.dbuser = '' then
        raise exception 'Database "%" needs a dbname and a dbuser', name;
    end if;
    return concat_ws(E'\n',
        concat_ws(';',
            'dbi:Pg:dbname=' || d.dbname, 'host=' || nullif(d.dbhost, ''), 'port=' || nullif(d.dbport, ''), nullif(d.dbconn, '')
        ),
        d.dbuser,
        coalesce(d.dbpass, ''),
        left(d.server_side_prepares::text, 1)
    );
end
$$;

revoke execute on function bucardo.db_getconn(text) from public;
