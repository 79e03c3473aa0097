-- Syncs with the database of their herd and their other active members: further masters of a swap,
-- and targets; and with the targets that are not active.
select s.name::text as name,
       s.source::text as herd,
       array(select h.goat
             from bucardo.herdmap h
             where h.herd = s.source and not exists (select from bucardo.joining j where j.sync = s.name and j.goat = h.goat)
             order by h.goat) as carried,
       (select min(g.db)::text from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source) as source,
       array(select d.name::text
             from bucardo.db d
             left join bucardo.dbmap m on m.db = d.name and m.dbgroup = s.targetgroup
             where d.status = 'active' and (d.name = s.targetdb or m.dbgroup is not null)
               and not (s.synctype = 'swap' and (d.name is not distinct from s.targetdb or m.role = 'source'))
               -- A group may also name the herd's own database, as the source that it is.
               and not (coalesce(m.role = 'source', false) and exists (
                 select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source and g.db = d.name))
             order by coalesce(m.priority, 0), d.name) as targets,
       {left_alone} as left_alone,
       array(select d.name::text
             from bucardo.db d
             left join bucardo.dbmap m on m.db = d.name and m.dbgroup = s.targetgroup
             where s.synctype = 'swap' and (d.name = s.targetdb or m.role = 'source') and not exists (
                 select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source and g.db = d.name)
             order by coalesce(m.priority, 0), d.name) as partners,
       s.synctype::text as synctype,
       s.status = 'active' as wanted,
       not exists (
         select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat join bucardo.db d on d.name = g.db
         where h.herd = s.source and d.status <> 'active') as possible,
       s.stayalive or s.kidsalive as stayalive,
       s.kidsalive as kidsalive,
       s.ping as ping,
       s.do_listen or exists (
           select from bucardo.herdmap m join bucardo.goat g on g.id = m.goat where m.herd = s.source and g.ping) as do_listen,
       extract(epoch from s.checktime)::float8 as checktime,
       s.limitdbs::bigint as limitdbs,
       extract(epoch from s.lifetime)::float8 as lifetime,
       s.maxkicks::bigint as maxkicks,
       s.strict_checking as strict,
       s.makedelta as makedelta,
       s.track_rates as track_rates,
       -- Where the schema was not upgraded yet, the column is what it always was: without effect.
       case when exists (select from pg_catalog.pg_constraint
                         where conrelid = 'bucardo.sync'::regclass and conname = 'sync_txnmode')
            then s.txnmode else 'REPEATABLE READ' end as txnmode,
       s.conflict_strategy as conflict_strategy,
       s.onetimecopy::integer as onetimecopy,
       extract(epoch from s.copy_asked)::text as copy_asked,
       s.deletemethod::text as deletemethod,
       s.usecustomselect as usecustomselect,
       s.copyextra::text as copyextra,
       s.analyze_after_copy as analyze_after_copy
from bucardo.sync s
where true /* which */
order by s.priority desc, s.name
