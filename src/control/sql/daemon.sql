-- The daemon that serves this control database: the one noted, as long as the session of its master process lives. Of sessions of roles that
-- are hidden from us, the start is hidden, too.
select d.session, d.pid, d.host, d.directory, d.started::text, coalesce(host(a.client_addr), 'the server''s machine')
from bucardo.daemon as d
join pg_catalog.pg_stat_activity as a
    on a.pid = d.session
   and a.usesysid = d.session_role
   and (a.backend_start = d.session_start or a.backend_start is null)
