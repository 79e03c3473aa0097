-- The foreign keys that refer to the tables $1, or to their partitions: the position of the table,
-- from 0, the table that refers to it, whether its rows, or values in them, would go along with a
-- row that is deleted (CASCADE, SET NULL, SET DEFAULT), and whether the key is in force for this
-- session and heeds the deletion before the end of the transaction. Found by their triggers, which
-- have an index by table.
with recursive tree (n, oid) as (
  select w.n, w.name::regclass::oid from unnest($1::text[]) with ordinality as w (name, n)
  union
  select t.n, i.inhrelid
  from tree t
  join pg_catalog.pg_class c on c.oid = t.oid and c.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = t.oid)
select tree.n::integer - 1, s.nspname::text, c.relname::text, bool_or(f.confdeltype in ('c', 'n', 'd')),
       bool_or(t.tgenabled in ('A', case when pg_catalog.current_setting('session_replication_role') = 'replica' then 'R' else 'O' end)
               and not (f.confdeltype = 'a' and f.condeferrable))
from tree
join pg_catalog.pg_trigger t on t.tgrelid = tree.oid and t.tgisinternal and t.tgtype & 8 <> 0
join pg_catalog.pg_constraint f on f.oid = t.tgconstraint and f.contype = 'f' and f.confrelid = tree.oid
join pg_catalog.pg_class c on c.oid = f.conrelid
join pg_catalog.pg_namespace s on s.oid = c.relnamespace
group by 1, 2, 3, f.oid
order by 1
