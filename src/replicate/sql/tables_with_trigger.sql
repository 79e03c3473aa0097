-- The tables that carry a trigger of this name.
select n.nspname::text, c.relname::text
from pg_catalog.pg_trigger t
join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where t.tgname = $1::text and not t.tgisinternal
