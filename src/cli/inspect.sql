-- The tables that the table $1.$2 refers to by foreign keys (true), and those that refer to it
-- (false).
select n.nspname::text, c.relname::text, other.is_target
  from pg_catalog.pg_class me
  join pg_catalog.pg_namespace m on m.oid = me.relnamespace
  cross join lateral (
        select confrelid as id, true as is_target from pg_catalog.pg_constraint where contype = 'f' and conrelid = me.oid
         union
        select conrelid, false from pg_catalog.pg_constraint where contype = 'f' and confrelid = me.oid
       ) as other
  join pg_catalog.pg_class c on c.oid = other.id
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where m.nspname = $1 and me.relname = $2 and other.id <> me.oid
 order by 3 desc, 1, 2;
