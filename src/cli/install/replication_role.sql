-- Whether role $1 is a superuser, may log in, and has the rights of $2, which will own the control
-- database.
select r.rolsuper,
       r.rolcanlogin,
       exists (select from pg_catalog.pg_roles o where o.rolname = $2 and pg_catalog.pg_has_role(r.oid, o.oid, 'member'))
from pg_catalog.pg_roles r
where r.rolname = $1
