-- What joined the herds of the syncs named in $1 and is not carried yet.
select j.sync, g.reltype::text as kind, g.schemaname::text as schemaname, g.tablename::text as tablename, j.outcome
from bucardo.joining j
join bucardo.sync s on s.name = j.sync
join bucardo.herdmap h on h.herd = s.source and h.goat = j.goat
join bucardo.goat g on g.id = j.goat
where j.sync = any ($1) and not g.ghost
order by j.sync, g.schemaname, g.tablename
