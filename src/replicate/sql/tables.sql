-- The ids of the tables with the schemas $1 and the names $2, in their order; null for one that is
-- none.
select (select c.oid
          from pg_catalog.pg_class c
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where n.nspname = w.schema and c.relname = w.name and c.relkind in ('r', 'p'))
from unnest($1::text[], $2::text[]) with ordinality as w (schema, name, position)
order by w.position
