-- The targets of sync s that are not active.
array(
  select d.name::text
  from bucardo.db d
  left join bucardo.dbmap m on m.db = d.name and m.dbgroup = s.targetgroup
  where d.status <> 'active' and (d.name = s.targetdb or m.dbgroup is not null)
    and not (s.synctype = 'swap' and (d.name is not distinct from s.targetdb or m.role = 'source'))
    and not exists (
      select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source and g.db = d.name)
  order by coalesce(m.priority, 0), d.name)
