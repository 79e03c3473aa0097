-- Of the installations with the schemas $1, those that capture any of the tables $2: the schema,
-- one such table, and one whose trigger does not fire for what this session writes. A partitioned
-- table is written through its partitions.
with recursive tree (oid) as (
  select unnest($2::oid[])
  union
  select i.inhrelid
  from tree t
  join pg_catalog.pg_class c on c.oid = t.oid and c.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = t.oid)
select n.nspname::text,
       min(t.tgrelid::pg_catalog.regclass::text),
       min(case when t.tgenabled = 'O' and pg_catalog.current_setting('session_replication_role') = 'replica'
                then t.tgrelid::pg_catalog.regclass::text end)
from tree
join pg_catalog.pg_trigger t on t.tgrelid = tree.oid
join pg_catalog.pg_proc p on p.oid = t.tgfoid
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where n.nspname = any ($1::text[]) and t.tgname ~ '^bucardo_add_(delta|truncate)'
group by n.nspname
order by n.nspname
