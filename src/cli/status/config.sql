-- The configuration of the syncs named in $1, with what their herds and groups consist of, and what validating them came to if
-- that was a failure, and how many conflicts are on record.
select s.name, s.source, s.targetdb, s.targetgroup, s.synctype, s.status, s.stayalive, s.kidsalive, s.usecustomselect,
       s.copyextra, s.deletemethod, s.limitdbs, s.ping, s.do_listen, s.checktime::text, s.makedelta, s.rebuild_index,
       s.priority, s.analyze_after_copy, s.overdue::text, s.expired::text, s.onetimecopy,
       extract(epoch from s.overdue)::bigint as overdue_seconds,
       extract(epoch from s.expired)::bigint as expired_seconds,
       (select min(g.db) from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source) as sourcedb,
       (select count(*) from bucardo.herdmap h where h.herd = s.source) as members,
       array(select m.db from bucardo.dbmap m where m.dbgroup = s.targetgroup order by m.priority, m.db) as group_members,
       (select count(*) from bucardo.conflict c where c.sync = s.name) as conflicts,
       (select coalesce(v.outcome, '') from bucardo.validation v where v.sync = s.name and not v.ok) as invalid
from bucardo.sync s
where s.name = any($1)
