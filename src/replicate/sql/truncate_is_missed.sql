-- Whether a table that sync $1 captures has a partition, at any level, of which a TRUNCATE is not
-- captured.
with recursive tree (root, oid) as (
  select t.oid, t.oid
  from bucardo.bucardo_delta_targets d
  cross join unnest(d.tables) as t (oid)
  join pg_catalog.pg_class c on c.oid = t.oid and c.relkind = 'p'
  where d.sync = $1
  union
  select t.root, i.inhrelid
  from tree t
  join pg_catalog.pg_inherits i on i.inhparent = t.oid
)
select exists (
  select from tree
  join pg_catalog.pg_class c on c.oid = tree.oid and c.relkind in ('r', 'p')
  where tree.oid <> tree.root
    and exists (select from bucardo.bucardo_delta_names n where n.tablename = tree.root)
    and not exists (
      select from pg_catalog.pg_trigger t
      join pg_catalog.pg_proc p on p.oid = t.tgfoid
      where t.tgrelid = tree.oid
        and p.pronamespace = 'bucardo'::regnamespace
        and p.proname ~ '^cut_'))
