-- Whether the table with the schema $1 and the name $2 has a partition, at any level, that is
-- called $3; null if it is not partitioned.
with recursive tables as (
  select c.oid, c.relkind
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1::text and c.relname = $2::text and c.relkind = 'p'
),
tree (oid) as (
  select oid
  from tables
  union
  select i.inhrelid
  from tree t
  join pg_catalog.pg_inherits i on i.inhparent = t.oid
)
select case when exists (select from tables) then
         exists (
           select from tree t
           join pg_catalog.pg_class c on c.oid = t.oid and c.relkind = 'r'
           join pg_catalog.pg_namespace n on n.oid = c.relnamespace
           where pg_catalog.format('%I.%I', n.nspname, c.relname) = $3::text)
       end
