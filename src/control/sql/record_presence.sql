-- The daemon with the process $1, $2, $3, $4 and its pid files in $5, which is the directory $6,
-- serves by this session.
insert into bucardo.presence as d (host, boot, pid, ticks, piddir, directory, backend, backend_start, role, started, instance)
select $1::text, $2::text, $3::integer, $4::bigint, $5::text, $6::text, a.pid, a.backend_start, a.usesysid, clock_timestamp(), {instance}
from pg_catalog.pg_stat_activity a
where a.pid = pg_backend_pid()
on conflict (single) do update
set host = excluded.host, boot = excluded.boot, pid = excluded.pid, ticks = excluded.ticks, piddir = excluded.piddir,
    directory = excluded.directory, backend = excluded.backend, backend_start = excluded.backend_start,
    role = excluded.role, started = excluded.started, ended = null, awaited = null, instance = excluded.instance
