-- The triggers named $3 on the tables with the schemas $1 and the names $2: table, name, whether it fires for what applications write, the function it calls, and whether it has
-- a WHEN.
select n.nspname::text, c.relname::text, t.tgname::text, t.tgenabled in ('O', 'A'), f.nspname::text, p.proname::text, t.tgqual is not null
from unnest($1::text[], $2::text[]) as w (schema, name)
join pg_catalog.pg_namespace n on n.nspname = w.schema
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name
join pg_catalog.pg_trigger t on t.tgrelid = c.oid and t.tgname = any ($3::text[])
join pg_catalog.pg_proc p on p.oid = t.tgfoid
join pg_catalog.pg_namespace f on f.oid = p.pronamespace
