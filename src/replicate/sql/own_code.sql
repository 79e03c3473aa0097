-- What runs when rows of the tables $1 are written, or, unless $3, when queries on them are
-- planned, and is a function, operator or rule of a role that is neither a superuser nor ours: the
-- place of the table in $1, and what it is. $2 are the letters of the triggers and rules that fire
-- for us. Tables whose owner is a superuser, is our role or has its rights anyway are left out.
with recursive trusted as (
  select r.oid
  from pg_catalog.pg_roles r
  where r.rolsuper or r.rolname = current_user or pg_catalog.pg_has_role(r.oid, current_user, 'usage')),
written (place, oid) as (
  select w.position::integer - 1, c.oid
  from unnest($1::text[]) with ordinality as w (name, position)
  join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(w.name)
  where c.relowner not in (select trusted.oid from trusted)
  union
  select w.place, i.inhrelid
  from written w
  join pg_catalog.pg_class c on c.oid = w.oid and c.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = w.oid),
-- The types of the columns, and what these are made of.
types (place, relid, attname, oid) as (
  select w.place, a.attrelid, a.attname, a.atttypid
  from written w
  join pg_catalog.pg_attribute a on a.attrelid = w.oid and a.attnum > 0 and not a.attisdropped
  union
  select y.place, y.relid, y.attname, part.oid
  from types y
  join pg_catalog.pg_type t on t.oid = y.oid and t.oid >= 16384
  cross join lateral (
    select t.typbasetype where t.typtype = 'd'
    union all
    select t.typelem where t.typelem <> 0
    union all
    select a.atttypid from pg_catalog.pg_attribute a
    where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    union all
    select g.rngsubtype from pg_catalog.pg_range g where g.rngtypid = t.oid) as part (oid)),
-- The functions and operators that others than these roles have made, and what depends on them.
foreign_code (classid, oid) as (
  select 'pg_catalog.pg_proc'::regclass, p.oid
  from pg_catalog.pg_proc p
  where p.proowner not in (select trusted.oid from trusted)
  union all
  select 'pg_catalog.pg_operator'::regclass, o.oid
  from pg_catalog.pg_operator o
  where o.oprowner not in (select trusted.oid from trusted)),
calling (classid, objid) as (
  select distinct d.classid, d.objid
  from foreign_code f
  join pg_catalog.pg_depend d on d.refclassid = f.classid and d.refobjid = f.oid),
found (place, what, planned) as (
  select w.place, pg_catalog.format('constraint "%s"', c.conname), false
  from written w
  join pg_catalog.pg_constraint c on c.conrelid = w.oid and c.contype = 'c'
  join calling d on d.classid = 'pg_catalog.pg_constraint'::regclass and d.objid = c.oid
  union all
  select w.place, pg_catalog.format('index "%s"', x.relname), true
  from written w
  join pg_catalog.pg_index i on i.indrelid = w.oid
  join pg_catalog.pg_class x on x.oid = i.indexrelid
  join calling d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = i.indexrelid
  union all
  select w.place, pg_catalog.format('partition key of "%s"', c.relname), true
  from written w
  join pg_catalog.pg_class c on c.oid = w.oid and c.relkind = 'p'
  join calling d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = w.oid
  union all
  select w.place, pg_catalog.format('statistics "%s"', s.stxname), true
  from written w
  join pg_catalog.pg_statistic_ext s on s.stxrelid = w.oid
  join calling d on d.classid = 'pg_catalog.pg_statistic_ext'::regclass and d.objid = s.oid
  union all
  select w.place, pg_catalog.format('default or expression of column "%s"', a.attname), false
  from written w
  join pg_catalog.pg_attrdef f on f.adrelid = w.oid
  join pg_catalog.pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
  join calling d on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
  union all
  select y.place, pg_catalog.format('type of column "%s"', y.attname), false
  from types y
  join pg_catalog.pg_constraint c on c.contypid = y.oid
  join calling d on d.classid = 'pg_catalog.pg_constraint'::regclass and d.objid = c.oid
  union all
  select y.place, pg_catalog.format('type of column "%s"', y.attname), false
  from types y
  join pg_catalog.pg_range g on g.rngtypid = y.oid
  join pg_catalog.pg_proc p on p.oid = g.rngcanonical
  where p.proowner not in (select trusted.oid from trusted)
  union all
  select w.place, pg_catalog.format('trigger "%s"', t.tgname), false
  from written w
  join pg_catalog.pg_trigger t on t.tgrelid = w.oid and not t.tgisinternal and t.tgenabled::text = any ($2::text[])
  join pg_catalog.pg_proc p on p.oid = t.tgfoid
  where p.proowner not in (select trusted.oid from trusted)
     or exists (select from calling d where d.classid = 'pg_catalog.pg_trigger'::regclass and d.objid = t.oid)
  union all
  select w.place, pg_catalog.format('rule "%s"', r.rulename), false
  from written w
  join pg_catalog.pg_rewrite r on r.ev_class = w.oid and r.ev_type <> '1' and r.ev_enabled::text = any ($2::text[]))
select found.place, array_agg(distinct found.what order by found.what)
from found
where found.planned or $3
group by found.place
order by found.place
