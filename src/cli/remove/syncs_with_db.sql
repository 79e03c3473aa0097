-- The syncs in which database $1 has a part.
select distinct s.name
from bucardo.sync s
left join bucardo.herdmap m on m.herd = s.source
left join bucardo.goat g on g.id = m.goat
left join bucardo.dbmap d on d.dbgroup = s.targetgroup
where $1 in (g.db, s.targetdb, d.db)
order by 1
