-- For each of the relations with the schemas $1 and the names $2, in their order, what its rows are
-- made of; null for one that is missing. Separated by semicolons: the columns, each with its
-- number, the transaction that touched it last, whether it is generated, its type, and what rows
-- that are older have for it; the labels of the enumerated types and the attributes of the
-- composite types that columns are made of, at any depth; what stands for the files of the table
-- and its partitions, and the transaction that made them; and the names of the partitions, each
-- with the transactions that attached it and those above it. A table that is written anew gets
-- another TOAST table, which TRUNCATE keeps; a table that has none, gets another file. Names are in
-- hexadecimal. From version 11 on, a constant for older rows is kept beside them, of a partitioned
-- table beside those of its partitions, and shown here as a digest; else there is a - without a
-- default and a + with one. At the end of a column, the command of that transaction which touched it
-- last, and its default: a digest of one that is the same for all rows and on all servers (immutable
-- casts of a constant), else - or +, and the transaction that gave it.
with recursive tables as (
  select w.position, c.oid, c.relkind
  from unnest($1::text[], $2::text[]) with ordinality as w (schema, name, position)
  join pg_catalog.pg_namespace n on n.nspname = w.schema
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name
),
tree (position, oid, relkind, attached) as (
  select position, oid, relkind, ''
  from tables
  union
  select t.position, i.inhrelid, c.relkind, t.attached || ',' || i.xmin::text
  from tree t
  join pg_catalog.pg_inherits i on i.inhparent = t.oid
  join pg_catalog.pg_class c on c.oid = i.inhrelid
  where t.relkind = 'p'
),
kept as (
  select t.position, l.attname,
         pg_catalog.string_agg(distinct pg_catalog.to_jsonb(l) ->> 'attmissingval', '|') as missing
  from tables r
  join tree t on t.position = r.position and t.oid <> r.oid
  join pg_catalog.pg_attribute l on l.attrelid = t.oid and l.attnum > 0 and not l.attisdropped
  where r.relkind = 'p' and pg_catalog.to_jsonb(l) ->> 'atthasmissing' = 'true'
  group by t.position, l.attname
),
columns as (
  select t.position, a.attnum, a.attname, a.xmin, a.cmin, a.atttypid, a.atttypmod,
         coalesce(nullif(pg_catalog.to_jsonb(a) ->> 'attgenerated', ''), '-') as generated,
         case
           when pg_catalog.to_jsonb(a) ->> 'atthasmissing' = 'true' then pg_catalog.md5(pg_catalog.to_jsonb(a) ->> 'attmissingval')
           when t.relkind = 'p' and kept.missing is not null then pg_catalog.md5(kept.missing)
           when a.atthasdef or a.attidentity <> '' then '+'
           else '-'
         end as missing,
         case
           when not a.atthasdef and a.attidentity = '' then '-'
           when d.adbin::text ~ '\{(?!(CONST|RELABELTYPE|FUNCEXPR|OPEXPR|COLLATEEXPR|COERCETODOMAIN|ARRAYCOERCEEXPR|CASETESTEXPR) )' then '+'
           when exists (
             select from pg_catalog.regexp_matches(d.adbin::text, ':[a-z]*funcid ([0-9]+)', 'g') as f (found)
             left join pg_catalog.pg_proc p on p.oid = f.found[1]::oid and p.oid < 16384
             where p.provolatile is distinct from 'i') then '+'
           else coalesce(pg_catalog.md5(pg_catalog.pg_get_expr(d.adbin, d.adrelid)), '+')
         end as constant,
         d.xmin as default_since
  from tables t
  join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  left join kept on kept.position = t.position and kept.attname = a.attname
),
-- Types of the server itself do not change.
types (position, oid) as (
  select position, atttypid
  from columns
  where atttypid >= 16384
  union
  select t.position, made_of.oid
  from types t
  join pg_catalog.pg_type y on y.oid = t.oid
  {made_of}
),
labels as (
  select t.position, e.oid, e.enumtypid, e.enumlabel
  from types t
  join pg_catalog.pg_enum e on e.enumtypid = t.oid
),
attributes as (
  select t.position, t.oid as type, a.attnum, a.attname
  from types t
  join pg_catalog.pg_type y on y.oid = t.oid
  join pg_catalog.pg_attribute a on a.attrelid = y.typrelid and a.attnum > 0 and not a.attisdropped
),
parts as (
  select position, 1 as kind, attnum::bigint as place,
         pg_catalog.concat_ws(' ', 'column', pg_catalog.encode(pg_catalog.textsend(attname::text), 'hex'), attnum, xmin, generated,
           pg_catalog.encode(pg_catalog.textsend(pg_catalog.format_type(atttypid, atttypmod)), 'hex'), missing, cmin, constant, default_since) as part
  from columns
  union all
  select position, 2, oid::bigint,
         pg_catalog.concat_ws(' ', 'label', enumtypid, pg_catalog.encode(pg_catalog.textsend(enumlabel::text), 'hex'), oid)
  from labels
  union all
  select t.position, 3, t.oid::bigint,
         pg_catalog.concat_ws(' ', 'file', t.oid, coalesce(a.attrelid::bigint, c.relfilenode::bigint), coalesce(a.xmin, c.xmin))
  from tree t
  join pg_catalog.pg_class c on c.oid = t.oid
  left join pg_catalog.pg_attribute a on a.attrelid = c.reltoastrelid and a.attnum = 1
  where t.relkind = 'r'
  union all
  select t.position, 4, t.oid::bigint,
         pg_catalog.concat_ws(' ', 'named', t.oid,
           pg_catalog.encode(pg_catalog.textsend(pg_catalog.format('%I.%I', n.nspname, c.relname)), 'hex'), pg_catalog.substr(t.attached, 2))
  from tree t
  join tables r on r.position = t.position and r.oid <> t.oid
  join pg_catalog.pg_class c on c.oid = t.oid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where t.relkind = 'r'
  union all
  select position, 5, type::bigint * 65536 + attnum,
         pg_catalog.concat_ws(' ', 'attribute', type, pg_catalog.encode(pg_catalog.textsend(attname::text), 'hex'), attnum,
           pg_catalog.encode(pg_catalog.textsend(pg_catalog.format_type(type, null)), 'hex'))
  from attributes
)
select case when t.oid is not null then coalesce(p.content, '') end
from generate_series(1, pg_catalog.cardinality($1::text[])) as w (position)
left join tables t on t.position = w.position
left join (
  select position, pg_catalog.string_agg(part, ';' order by kind, place) as content
  from parts
  group by position) p on p.position = w.position
order by w.position
