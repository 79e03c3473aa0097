-- Forgets gaps of sync $1 and target $2 that were noticed since $3 on all $5 databases alike, and
-- begin with the words $4.
delete from bucardo.gap g
where g.sync = $1 and g.targetdb = $2
  and (g.goat, g.what) in (
    select o.goat, o.what
    from bucardo.gap o
    where o.sync = $1 and o.targetdb = $2
      and o.since >= to_timestamp($3::text::float8)
      and left(o.what, length($4)) = $4
    group by o.goat, o.what
    having count(*) = $5::bigint)
