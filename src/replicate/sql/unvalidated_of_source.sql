-- A sync with database $1 as a source at which nobody has looked yet.
select v.sync
from bucardo.validation v
join bucardo.sync s on s.name = v.sync
where v.validated is null
  and (exists (select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source and g.db = $1)
    or (s.synctype = 'swap' and (s.targetdb = $1
      or exists (select from bucardo.dbmap m where m.dbgroup = s.targetgroup and m.db = $1 and m.role = 'source'))))
limit 1
