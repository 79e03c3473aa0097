-- Whether the table $1 has delta tables and all the triggers $2 that capture its changes, enabled.
select exists (select from bucardo.bucardo_delta_names d where d.tablename = $1)
   and (select count(*) from pg_catalog.pg_trigger t where t.tgrelid = $1 and t.tgname = any ($2::text[]) and t.tgenabled <> 'D')
       = pg_catalog.cardinality($2::text[])
