-- This session is that of the daemon from now on.
insert into bucardo.daemon (session, session_start, session_role, directory, host, pid)
select a.pid, a.backend_start, a.usesysid, $1, $2, $3
from pg_catalog.pg_stat_activity as a
where a.pid = pg_catalog.pg_backend_pid()
on conflict (id) do update
    set session = excluded.session, session_start = excluded.session_start, session_role = excluded.session_role,
        directory = excluded.directory, host = excluded.host, pid = excluded.pid, started = excluded.started
