-- The relations with the schemas $1 and the names $2, in their order: id (null for one that is
-- missing), kind, estimated rows, how many of its indexes can refuse a row, whether it has rules,
-- what guards its capturing, and the digest of all that a plan rests on.
select c.oid,
       c.relkind::text,
       greatest(c.reltuples, 0)::real,
       (select count(*) from pg_catalog.pg_index i where i.indrelid = c.oid and (i.indisunique or i.indisexclusion)),
       c.relhasrules,
       case when c.oid is not null then {guard} end,
       case when c.oid is not null then {digest} end
from unnest($1::text[], $2::text[]) with ordinality as w (schema, name, position)
left join (pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace)
  on n.nspname = w.schema and c.relname = w.name
order by w.position
