-- A partitioned table and all tables below it, with their ids.
with recursive tree (oid) as (
  select $1::oid
  union all
  select i.inhrelid from pg_catalog.pg_inherits i join tree t on t.oid = i.inhparent)
select n.nspname::text, c.relname::text, c.oid
from tree t
join pg_catalog.pg_class c on c.oid = t.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p')
order by t.oid
