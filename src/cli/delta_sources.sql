-- The databases from which a sync takes changes, with whether they are active; with patterns $1,
-- only those whose names match one.
select d.name, d.status = 'active'
from bucardo.db d
where (cardinality($1::text[]) = 0 or d.name ~ any ($1::text[]))
  and (exists (
         select from bucardo.sync s
         join bucardo.herdmap m on m.herd = s.source
         join bucardo.goat g on g.id = m.goat
         where g.db = d.name)
       or exists (
         select from bucardo.sync s
         join bucardo.dbmap m on m.dbgroup = s.targetgroup
         where m.db = d.name and m.role = 'source'))
order by d.name
