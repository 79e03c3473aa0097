-- Forgets gaps of sync $1 and target $2 that begin with the words $3 and were noticed on all $4
-- databases alike, all since the last look.
delete from bucardo.gap g
where g.sync = $1 and g.targetdb = $2
  and (g.goat, g.what) in (
    select o.goat, o.what
    from bucardo.gap o
    where o.sync = $1 and o.targetdb = $2
      and o.former is not null
      and left(o.what, length($3)) = $3
    group by o.goat, o.what
    having count(*) = $4::bigint)
