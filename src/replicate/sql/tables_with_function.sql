-- The tables whose triggers call one of two functions of schema bucardo. A trigger that a partition
-- has from its parent goes with the parent's. The way from a function to its triggers leads through
-- the dependencies: pg_trigger has no index by function, and is read once for each table of a sync
-- that is removed.
select n.nspname::text, c.relname::text, t.tgname::text
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace
cross join lateral (select d.objid
                    from pg_catalog.pg_depend d
                    where d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid = p.oid
                      and d.classid = 'pg_catalog.pg_trigger'::regclass
                    offset 0) d
join pg_catalog.pg_trigger t on t.oid = d.objid and t.tgfoid = p.oid
join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where pn.nspname = 'bucardo' and p.proname in ($1::text, $2::text) and not t.tgisinternal
  and coalesce(pg_catalog.to_jsonb(t) ->> 'tgparentid', '0') = '0'
