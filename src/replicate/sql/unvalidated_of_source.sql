-- The syncs with database $1 as a source that have changes captured there and have not been found
-- right since they are what they are.
select s.name
from bucardo.sync s
left join bucardo.validation v on v.sync = s.name
where (v.validated is null or v.ok is not true)
  and s.synctype <> 'fullcopy'
  and (exists (select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source and g.db = $1)
    or (s.synctype = 'swap' and (s.targetdb = $1
      or exists (select from bucardo.dbmap m where m.dbgroup = s.targetgroup and m.db = $1 and m.role = 'source'))))
order by s.name
