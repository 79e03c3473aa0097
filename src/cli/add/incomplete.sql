-- Whether the sync $1 has anything to replicate, and anywhere to replicate it to. A group may name
-- the herd's own database as a source.
select exists (select from bucardo.herdmap m where m.herd = s.source),
       exists (select from bucardo.db d
                 left join bucardo.dbmap g on g.db = d.name and g.dbgroup = s.targetgroup
                where d.status = 'active'
                  and (d.name = s.targetdb or g.db is not null)
                  and not (coalesce(g.role = 'source', false) and exists (
                       select from bucardo.herdmap m join bucardo.goat t on t.id = m.goat where m.herd = s.source and t.db = d.name)))
  from bucardo.sync s
 where s.name = $1;
