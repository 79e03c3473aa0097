-- Whether PUBLIC may connect to this database, or make temporary tables there. An ACL that was
-- never changed is NULL and has both.
select exists (
    select
    from pg_catalog.pg_database as d,
         pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) as acl
    where d.datname = pg_catalog.current_database()
      and acl.grantee = 0
      and acl.privilege_type in ('CONNECT', 'TEMPORARY')
)
