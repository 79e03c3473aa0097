-- The owner of the control database, and the active databases that are reached as a role of this
-- name.
select o.rolname::text, string_agg(d.name, ', ' order by d.name)
from pg_catalog.pg_namespace n
join pg_catalog.pg_roles o on o.oid = n.nspowner
join bucardo.db d on d.dbuser = o.rolname and d.status = 'active'
where n.nspname = 'bucardo'
group by o.rolname
