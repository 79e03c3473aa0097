-- The owners of the tables $1 who are no superusers, are not our role and do not have its rights
-- anyway: for each its name, the places of its tables in $1, and what our role may that the owner
-- may not. Roles of which only our role is a member are named, but for the owners themselves.
with me as (
  select r.* from pg_catalog.pg_roles r where r.rolname = current_user),
written as (
  select w.position::integer - 1 as place, c.relowner
  from unnest($1::text[]) with ordinality as w (name, position)
  join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(w.name))
select o.rolname::text,
       array_agg(w.place order by w.place),
       me.rolsuper,
       pg_catalog.array_remove(array[
         case when me.rolsuper then 'is a superuser' end,
         case when me.rolcreaterole and not me.rolsuper and not o.rolcreaterole then 'may create roles' end,
         case when me.rolcreatedb and not me.rolsuper and not o.rolcreatedb then 'may create databases' end,
         case when me.rolreplication and not me.rolsuper and not o.rolreplication then 'may replicate' end,
         case when me.rolbypassrls and not me.rolsuper and not o.rolbypassrls then 'passes by row security' end,
         case when not me.rolsuper then
           (select 'has the rights of ' || pg_catalog.string_agg(pg_catalog.format('"%s"', r.rolname), ', ' order by r.rolname)
            from pg_catalog.pg_roles r
            where r.oid <> me.oid and pg_catalog.pg_has_role(me.oid, r.oid, 'member') and not pg_catalog.pg_has_role(o.oid, r.oid, 'member'))
         end,
         case when not me.rolsuper then
           (select 'writes tables of ' || pg_catalog.string_agg(distinct pg_catalog.format('"%s"', r.rolname), ', ')
            from written v
            join pg_catalog.pg_roles r on r.oid = v.relowner
            where not pg_catalog.pg_has_role(me.oid, r.oid, 'member') and not pg_catalog.pg_has_role(o.oid, r.oid, 'member'))
         end], null)
from written w
join pg_catalog.pg_roles o on o.oid = w.relowner
cross join me
where not o.rolsuper and o.oid <> me.oid and not pg_catalog.pg_has_role(o.oid, me.oid, 'usage')
group by o.oid, o.rolname, o.rolcreaterole, o.rolcreatedb, o.rolreplication, o.rolbypassrls,
         me.oid, me.rolsuper, me.rolcreaterole, me.rolcreatedb, me.rolreplication, me.rolbypassrls
order by o.rolname
