-- What is evaluated when rows of the tables $1 are written, as far as functions or operators have
-- part in it that are not the server's own: the place of the table in $1, what it is, the
-- expression, and whether it is that of a unique index.
with written as (
  select w.position::integer - 1 as place, to_regclass(w.name)::oid as oid
  from pg_catalog.unnest($1::text[]) with ordinality as w (name, position)),
calling as (
  select distinct d.classid, d.objid
  from pg_catalog.pg_depend d
  where d.refclassid in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
    and d.classid in ('pg_catalog.pg_constraint'::regclass, 'pg_catalog.pg_class'::regclass, 'pg_catalog.pg_attrdef'::regclass))
select w.place, pg_catalog.format('constraint "%s"', c.conname), pg_catalog.pg_get_expr(c.conbin, c.conrelid), false
from written w
join pg_catalog.pg_constraint c on c.conrelid = w.oid and c.contype = 'c'
join calling d on d.classid = 'pg_catalog.pg_constraint'::regclass and d.objid = c.oid
union all
select w.place, pg_catalog.format('index "%s"', x.relname), e.expression, i.indisunique
from written w
join pg_catalog.pg_index i on i.indrelid = w.oid and (i.indexprs is not null or i.indpred is not null)
join pg_catalog.pg_class x on x.oid = i.indexrelid
join calling d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = i.indexrelid
cross join lateral (
  select pg_catalog.pg_get_indexdef(i.indexrelid, k.position + 1, false)
  from pg_catalog.generate_series(0, i.indnatts - 1) as k (position)
  where i.indkey[k.position] = 0
  union all
  select pg_catalog.pg_get_expr(i.indpred, i.indrelid) where i.indpred is not null) as e (expression)
union all
select w.place, pg_catalog.format('column "%s"', a.attname), pg_catalog.pg_get_expr(f.adbin, f.adrelid), false
from written w
join pg_catalog.pg_attribute a on a.attrelid = w.oid and coalesce(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') <> ''
join pg_catalog.pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
join calling d on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
union all
select distinct w.place, pg_catalog.format('the type of column "%s"', a.attname),
       -- To a value that is of the domain already, nothing would be done.
       pg_catalog.format('%I::%s::%s', a.attname, pg_catalog.format_type(t.typbasetype, t.typtypmod),
                         pg_catalog.format_type(a.atttypid, a.atttypmod)), false
from written w
join pg_catalog.pg_attribute a on a.attrelid = w.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
join pg_catalog.pg_constraint c on c.contypid = a.atttypid
join calling d on d.classid = 'pg_catalog.pg_constraint'::regclass and d.objid = c.oid
order by 1, 2
