-- What is recorded of the daemon of this database; a copy of another one has the row of that one's.
-- session: its session is there; of sessions of roles that are hidden from us, the start is hidden,
-- too. returns: the server has just started, and a daemon that
-- was connected needs a moment to connect again.
select d.host, d.boot, d.pid, d.ticks, d.piddir, d.directory, d.backend,
       d.ended is not null as ended,
       a.pid is not null as session,
       coalesce(host(a.client_addr), 'the server''s machine') as address,
       coalesce(d.awaited > clock_timestamp(), false) as awaited,
       d.pid <> 0 and clock_timestamp() < pg_postmaster_start_time() + interval '15 seconds' as returns
from bucardo.presence d
left join pg_catalog.pg_stat_activity a
    on a.pid = d.backend
   and a.datname = current_database()
   and a.usesysid = d.role
   and (a.backend_start = d.backend_start or a.backend_start is null)
where d.instance in ('', {instance})
