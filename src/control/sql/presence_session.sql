-- Whether the master process of a daemon has its session here, by its name, of a role to which the
-- control tables belong, or that could be it.
select exists (
    select from pg_catalog.pg_stat_activity a
    join pg_catalog.pg_roles r on r.oid = a.usesysid
    where a.datname = current_database() and a.application_name = 'bucardo mcp control'
      and (r.rolsuper or r.rolname = current_user
           or r.oid = (select c.relowner from pg_catalog.pg_class c where c.oid = 'bucardo.sync'::regclass)))
