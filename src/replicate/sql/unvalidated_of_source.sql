-- A sync with source database $1 at which nobody has looked yet.
select v.sync
from bucardo.validation v
join bucardo.sync s on s.name = v.sync
where v.validated is null
  and exists (select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source and g.db = $1)
limit 1
