-- Takes the lock of the database, unless another session has it: whether we have it now, whether we
-- had it already, and the process that has it. To be run after the row was locked, in another
-- statement: only then do we see every session that can have taken it. Of another role's session
-- the start is not shown.
with now as (
  select l.pid,
         l.pid = me.pid and l.started = me.backend_start as ours,
         exists (
           select from pg_catalog.pg_stat_activity a
           where a.pid = l.pid and a.usesysid = l.role and (a.backend_start is null or a.backend_start = l.started)) as lives
  from bucardo.bucardo_lock l
  cross join pg_catalog.pg_stat_activity me
  where me.pid = pg_catalog.pg_backend_pid()),
taken as (
  update bucardo.bucardo_lock l
  set pid = me.pid, role = me.usesysid, started = me.backend_start
  from now
  cross join pg_catalog.pg_stat_activity me
  where me.pid = pg_catalog.pg_backend_pid() and now.lives is not true
  returning l.pid)
select exists (select from taken), coalesce(now.ours, false), now.pid
from now
