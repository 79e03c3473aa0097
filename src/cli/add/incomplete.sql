-- Whether the sync $1 has anything to replicate, and anywhere to replicate it to.
select exists (select from bucardo.herdmap m where m.herd = s.source),
       exists (select from bucardo.db d
                where d.status = 'active'
                  and (d.name = s.targetdb or d.name in (select g.db from bucardo.dbmap g where g.dbgroup = s.targetgroup)))
  from bucardo.sync s
 where s.name = $1;
