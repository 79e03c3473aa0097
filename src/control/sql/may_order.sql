-- Of the server processes in $1, those whose sessions may give orders to the daemon: all in a
-- closed database, else those of roles that could write the queue. Of each session the role with
-- which it logged in counts.
with public_access as (
    select exists (
        select
        from pg_catalog.pg_database as d,
             pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) as acl
        where d.datname = pg_catalog.current_database()
          and acl.grantee = 0
          and acl.privilege_type = 'CONNECT'
    ) as is_open
)
select asked.process
from unnest($1::int4[]) as asked (process), public_access
where not is_open
   or exists (
       select
       from pg_catalog.pg_stat_activity as a, pg_catalog.pg_class as q
       where a.pid = asked.process
         and q.oid = 'bucardo.q'::regclass
         and (
             pg_catalog.pg_has_role(a.usesysid, q.relowner, 'member')
             or pg_catalog.has_table_privilege(a.usesysid, q.oid, 'insert')
                and pg_catalog.has_schema_privilege(a.usesysid, q.relnamespace, 'usage')
         )
   )
