-- The table $1 with its partitions, and whether it has any; null if it is gone.
with recursive tree (oid) as (
  select $1::oid
  union all
  select i.inhrelid
  from pg_inherits i
  join tree t on t.oid = i.inhparent
  where exists (select from pg_class c where c.oid = t.oid and c.relkind = 'p')
)
select array_agg(tree.oid), bool_or(c.relkind = 'p')
from tree
join pg_class c on c.oid = tree.oid
