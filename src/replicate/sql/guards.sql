-- For each of the relations with the schemas $1 and the names $2, in their order, what guards its
-- capturing; null for one that is missing.
select case when c.oid is not null then {guard} end
from unnest($1::text[], $2::text[]) with ordinality as w (schema, name, position)
left join (pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace)
  on n.nspname = w.schema and c.relname = w.name
order by w.position
