-- The tables whose triggers call one of two functions of schema bucardo. A trigger that a partition has from its parent goes
-- with the parent's.
select n.nspname::text, c.relname::text, t.tgname::text
from pg_catalog.pg_trigger t
join pg_catalog.pg_proc p on p.oid = t.tgfoid
join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace
join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where pn.nspname = 'bucardo' and p.proname in ($1::text, $2::text) and not t.tgisinternal
  and coalesce(pg_catalog.to_jsonb(t) ->> 'tgparentid', '0') = '0'
