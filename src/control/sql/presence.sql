-- What is recorded of the daemon. session: its session is there; backend_start is hidden from roles
-- that may not see it. returns: the server has just started, and a daemon that was connected needs
-- a moment to connect again.
select d.host, d.boot, d.pid, d.ticks, d.piddir,
       d.ended is not null as ended,
       exists (select from pg_catalog.pg_stat_activity a
               where a.pid = d.backend and a.datname = current_database()
                 and coalesce(a.backend_start = d.backend_start, true)) as session,
       coalesce(d.awaited > clock_timestamp(), false) as awaited,
       d.pid <> 0 and clock_timestamp() < pg_postmaster_start_time() + interval '15 seconds' as returns
from bucardo.presence d
