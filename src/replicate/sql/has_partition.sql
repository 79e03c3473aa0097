-- Of the table with the schema $1 and the name $2: whether it has, at any level, the partition with
-- the id $4, or the name $3 if the id is 0; and whether it may hold rows in a partition of that
-- name. One that is not partitioned may. A file without any page has no rows; the file of a
-- partition that is locked is not looked at, because that would wait.
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
),
leaves (oid, name) as (
  select t.oid, pg_catalog.format('%I.%I', n.nspname, c.relname)
  from tree t
  join pg_catalog.pg_class c on c.oid = t.oid and c.relkind = 'r'
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
)
select exists (select from leaves where case when $4::oid = 0 then name = $3::text else oid = $4 end),
       not exists (select from tables)
       or exists (
         select from leaves l
         where l.name = $3
           and case
                 when exists (
                   select from pg_catalog.pg_locks k
                   where k.relation = l.oid and k.mode = 'AccessExclusiveLock') then true
                 else pg_catalog.pg_relation_size(l.oid) > 0
               end)
