-- What is in schema bucardo, the schema included, and belongs to a role that is neither ours nor a
-- superuser nor has our role's rights anyway; and such roles that may create objects there. For
-- each: what it is, the role, and whether it is its owner. The owners of all kinds of objects are
-- in pg_shdepend.
with schema as (
  select n.oid, n.nspowner, n.nspacl
  from pg_catalog.pg_namespace n
  where n.nspname = 'bucardo'),
trusted as (
  select r.oid
  from pg_catalog.pg_roles r
  where r.rolsuper or r.rolname = current_user or pg_catalog.pg_has_role(r.oid, current_user, 'usage')),
found (what, role, owns) as (
  select 'schema bucardo', schema.nspowner, true
  from schema
  union all
  select 'schema bucardo', a.grantee, false
  from schema
  cross join lateral pg_catalog.aclexplode(schema.nspacl) as a
  where a.privilege_type = 'CREATE' and a.grantee <> schema.nspowner
  union all
  select i.type || ' ' || i.identity, o.refobjid, true
  from schema
  join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_namespace'::regclass and d.refobjid = schema.oid
  join pg_catalog.pg_shdepend o
    on o.dbid = (select b.oid from pg_catalog.pg_database b where b.datname = current_database())
   and o.classid = d.classid and o.objid = d.objid and o.objsubid = 0
   and o.refclassid = 'pg_catalog.pg_authid'::regclass and o.deptype = 'o'
  cross join lateral pg_catalog.pg_identify_object(d.classid, d.objid, 0) as i
  where o.refobjid not in (select trusted.oid from trusted))
select found.what, case when found.role = 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(found.role)::text end, found.owns
from found
where found.role not in (select trusted.oid from trusted)
order by found.what <> 'schema bucardo', not found.owns, found.what, 2
limit 5
