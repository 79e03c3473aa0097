-- What a selection calls, or may call when it is read anew, that belongs to a role which is neither
-- a superuser nor ours; the selection is the temporary view bucardo_select. Functions (those of
-- casts and aggregates, too), operators, domains and composites that it converts to, and views.
-- A column of such a role's type may be selected, and an enumerated type compared, but not
-- converted or calculated with: the role can make the cast or the function that is found then.
with trusted as (
  select r.oid
  from pg_catalog.pg_roles r
  where r.rolsuper or r.rolname = current_user or pg_catalog.pg_has_role(r.oid, current_user, 'usage')),
foreign_types as (
  select t.oid, t.typtype, t.typowner, coalesce(e.typtype, t.typtype) as made_of
  from pg_catalog.pg_type t
  left join pg_catalog.pg_type e on e.oid = t.typelem
  where t.oid >= 16384 and t.typowner not in (select trusted.oid from trusted)),
rule as (
  select w.oid, w.ev_action::text as tree
  from pg_catalog.pg_rewrite w
  where w.ev_class = 'pg_temp.bucardo_select'::regclass),
called as (
  select d.refclassid, d.refobjid
  from rule r
  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid),
read as (
  select t.oid, t.typowner, t.made_of, r.tree,
         (select count(*) from pg_catalog.regexp_matches(r.tree, ':vartype ' || t.oid || '\M', 'g')) as uses,
         (select count(*)
          from pg_catalog.regexp_matches(r.tree, '\{TARGETENTRY :expr \{VAR :varno \d+ :varattno \d+ :vartype ' || t.oid || '\M', 'g'))
           as plain
  from rule r
  join foreign_types t on r.tree ~ (':vartype ' || t.oid || '\M')),
found (what, owner) as (
  select 'function ' || p.oid::regprocedure, p.proowner
  from called c
  join pg_catalog.pg_proc p on c.refclassid = 'pg_catalog.pg_proc'::regclass and p.oid = c.refobjid
  union all
  select 'operator ' || o.oid::regoperator, o.oprowner
  from called c
  join pg_catalog.pg_operator o on c.refclassid = 'pg_catalog.pg_operator'::regclass and o.oid = c.refobjid
  union all
  select 'type ' || t.oid::regtype, t.typowner
  from called c
  join foreign_types t on c.refclassid = 'pg_catalog.pg_type'::regclass and t.oid = c.refobjid and t.made_of in ('d', 'c', 'r', 'm')
  union all
  select 'view ' || v.oid::regclass, v.relowner
  from called c
  join pg_catalog.pg_class v on c.refclassid = 'pg_catalog.pg_class'::regclass and v.oid = c.refobjid and v.relkind = 'v'
  where v.oid <> 'pg_temp.bucardo_select'::regclass
  union all
  select 'type ' || r.oid::regtype, r.typowner
  from read r
  where r.uses > r.plain and (r.made_of <> 'e' or r.tree ~ '\{COERCEVIAIO '))
select f.what, pg_catalog.pg_get_userbyid(f.owner)::text
from found f
where f.owner not in (select trusted.oid from trusted)
order by f.what
limit 1
