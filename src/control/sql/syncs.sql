-- Syncs with the database of their herd and their active targets.
select s.name::text as name,
       s.source::text as herd,
       (select min(g.db)::text from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source) as source,
       array(select d.name::text
             from bucardo.db d
             left join bucardo.dbmap m on m.db = d.name and m.dbgroup = s.targetgroup
             where d.status = 'active' and (d.name = s.targetdb or m.dbgroup is not null)
             order by coalesce(m.priority, 0), d.name) as targets,
       s.synctype::text as synctype,
       s.status = 'active' as wanted,
       not exists (
         select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat join bucardo.db d on d.name = g.db
         where h.herd = s.source and d.status <> 'active') as possible,
       s.stayalive or s.kidsalive as stayalive,
       s.kidsalive as kidsalive,
       s.ping as ping,
       s.do_listen as do_listen,
       extract(epoch from s.checktime)::float8 as checktime,
       s.limitdbs::bigint as limitdbs,
       s.strict_checking as strict
from bucardo.sync s
where true /* which */
order by s.priority desc, s.name
