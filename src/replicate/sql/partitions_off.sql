-- The partitions below the tables $1 whose trigger $2 is there and does not fire for what applications write.
with recursive tree (oid) as (
  select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent = any ($1::oid[])
  union
  select i.inhrelid from tree p join pg_catalog.pg_inherits i on i.inhparent = p.oid)
select n.nspname::text, c.relname::text
from tree
join pg_catalog.pg_trigger t on t.tgrelid = tree.oid and t.tgname = $2::text and t.tgenabled not in ('O', 'A')
join pg_catalog.pg_class c on c.oid = tree.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
order by tree.oid
