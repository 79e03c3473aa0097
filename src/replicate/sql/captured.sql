-- Whether a table has delta tables and an enabled capture trigger.
select exists (select from bucardo.bucardo_delta_names d where d.tablename = $1)
   and exists (select from pg_catalog.pg_trigger t where t.tgrelid = $1 and t.tgname = $2::text and t.tgenabled <> 'D')
