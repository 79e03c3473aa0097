-- The configuration of the syncs named in $1, with what their herds and groups consist of, and what
-- validating them came to, and how many conflicts are on record. Herds and conflicts are counted
-- for all of them at once.
select s.name, s.source, s.targetdb, s.targetgroup, s.synctype, s.status, s.stayalive, s.kidsalive, s.usecustomselect,
       s.copyextra, s.deletemethod, s.limitdbs, s.ping, s.do_listen, s.checktime::text, s.makedelta, s.rebuild_index,
       s.priority, s.analyze_after_copy, s.overdue::text, s.expired::text, s.onetimecopy,
       herd.sourcedb,
       coalesce(herd.members, 0) as members,
       array(select m.db from bucardo.dbmap m where m.dbgroup = s.targetgroup order by m.priority, m.db) as group_members,
       coalesce(conflict.number, 0) as conflicts,
       (select coalesce(v.outcome, '') from bucardo.validation v where v.sync = s.name and not v.ok) as invalid,
       (select v.outcome from bucardo.validation v where v.sync = s.name and v.ok) as noted
from bucardo.sync s
left join (select h.herd, min(g.db) as sourcedb, count(*) as members
           from bucardo.herdmap h join bucardo.goat g on g.id = h.goat
           where h.herd in (select named.source from bucardo.sync named where named.name = any($1))
           group by h.herd) herd on herd.herd = s.source
left join (select c.sync, count(*) as number from bucardo.conflict c where c.sync = any($1) group by c.sync) conflict
       on conflict.sync = s.name
where s.name = any($1)
