-- The live columns of the tables $1, each with its table's id. Beside its type, what that is made
-- of: domains resolved, without modifiers; and at the end, the type itself without modifiers, its
-- id, and the column's collation. Catalog columns that old servers lack are read through jsonb:
-- attgenerated exists since 12.
select a.attname::text,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       case when y.typtype = 'd' then
         (with recursive base (oid) as (
            select y.typbasetype
            union all
            select t.typbasetype from base join pg_catalog.pg_type t on t.oid = base.oid where t.typtype = 'd')
          select pg_catalog.format_type(base.oid, -1)
          from base join pg_catalog.pg_type t on t.oid = base.oid where t.typtype <> 'd')
       else pg_catalog.format_type(a.atttypid, -1) end,
       a.attnotnull,
       coalesce(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') <> '',
       a.attidentity = 'a',
       pg_catalog.pg_get_expr(d.adbin, d.adrelid),
       a.attrelid,
       pg_catalog.format_type(a.atttypid, -1),
       a.atttypid,
       (select pg_catalog.format('%I.%I', n.nspname, l.collname)
        from pg_catalog.pg_collation l
        join pg_catalog.pg_namespace n on n.oid = l.collnamespace
        where l.oid = a.attcollation)
from pg_catalog.pg_attribute a
join pg_catalog.pg_type y on y.oid = a.atttypid
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = any ($1) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
