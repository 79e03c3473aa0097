-- Is there anything of this name in this database?
create function bucardo.table_exists(schemaname text, tablename text) returns boolean language sql stable as $$
    select exists (
        select 1
          from pg_catalog.pg_class as c
          join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
         where n.nspname = $1 and c.relname = $2
    )
$$;
