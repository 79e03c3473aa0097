-- Whether this session's role may revoke rights on the database, and only we have tables in it:
-- applications may rely on what PUBLIC has.
select pg_catalog.pg_has_role(d.datdba, 'usage')
   and not exists (
       select
       from pg_catalog.pg_class as c
       join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p')
         and n.nspname not in ('bucardo', 'freezer', 'information_schema')
         and n.nspname !~ '^pg_'
   )
from pg_catalog.pg_database as d
where d.datname = pg_catalog.current_database()
