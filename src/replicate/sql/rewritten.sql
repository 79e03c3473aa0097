-- One of these tables, or of their partitions, whose file is not the one it had in this
-- transaction's snapshot: the catalog is read by the snapshot, pg_relation_filenode always tells
-- the latest. Whoever has read a table holds a lock on it, so what is right now stays right.
with recursive tree (oid) as (
  select unnest($1::oid[])
  union
  select i.inhrelid from tree t
  join pg_catalog.pg_class c on c.oid = t.oid and c.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = t.oid)
select min(c.oid::regclass::text)
from tree t
join pg_catalog.pg_class c on c.oid = t.oid
where c.relkind = 'r' and c.relfilenode is distinct from pg_catalog.pg_relation_filenode(c.oid)
