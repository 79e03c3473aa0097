-- Partitions that nobody replicates although others of the same table are replicated as tables of
-- their own: $1 are the names of the tables of a sync, $2 those of all syncs, both as quoted names.
-- A partition below a table that is replicated as a whole belongs to that.
with recursive
mine (oid) as (select to_regclass(n)::oid from unnest($1::text[]) as n where to_regclass(n) is not null),
known (oid) as (select to_regclass(n)::oid from unnest($2::text[]) as n where to_regclass(n) is not null),
above (oid, parent) as (
  select i.inhrelid, i.inhparent
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid and c.relispartition
  where i.inhrelid in (select oid from mine)
  union
  select a.oid, i.inhparent
  from above a
  join pg_catalog.pg_inherits i on i.inhrelid = a.parent
  join pg_catalog.pg_class c on c.oid = a.parent and c.relispartition),
root (oid) as (
  select distinct a.parent
  from above a
  where not exists (select from pg_catalog.pg_class c where c.oid = a.parent and c.relispartition)
    and not exists (select from above b where b.oid = a.oid and b.parent in (select oid from known))),
below (oid, root) as (
  select oid, oid from root
  union all
  select i.inhrelid, b.root
  from below b
  join pg_catalog.pg_inherits i on i.inhparent = b.oid
  where i.inhrelid not in (select oid from known))
select n.nspname || '.' || c.relname, rn.nspname || '.' || r.relname
from below b
join pg_catalog.pg_class c on c.oid = b.oid and c.relkind in ('r', 'f')
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class r on r.oid = b.root
join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
order by 1
