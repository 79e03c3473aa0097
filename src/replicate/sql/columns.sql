-- The live columns of the tables $1, each with its table's id. Catalog columns that old servers lack are read through jsonb: attgenerated exists since 12.
select a.attname::text,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       case when y.typtype = 'd' then
         (with recursive base (oid, typmod) as (
            select y.typbasetype, y.typtypmod
            union all
            select t.typbasetype, t.typtypmod from base join pg_catalog.pg_type t on t.oid = base.oid where t.typtype = 'd')
          select pg_catalog.format_type(base.oid, base.typmod)
          from base join pg_catalog.pg_type t on t.oid = base.oid where t.typtype <> 'd')
       else pg_catalog.format_type(a.atttypid, a.atttypmod) end,
       a.attnotnull,
       coalesce(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') <> '',
       a.attidentity = 'a',
       pg_catalog.pg_get_expr(d.adbin, d.adrelid),
       a.attrelid
from pg_catalog.pg_attribute a
join pg_catalog.pg_type y on y.oid = a.atttypid
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = any ($1) and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
