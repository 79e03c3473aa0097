-- Those of the tables $1, as positions from 0, that have no delta tables or not all the triggers $2 that capture their changes, calling functions of
-- ours and firing for what applications write.
select w.n::integer - 1
from unnest($1::oid[]) with ordinality as w (oid, n)
where not exists (select from bucardo.bucardo_delta_names d where d.tablename = w.oid)
   or (select count(*)
       from pg_catalog.pg_trigger t
       join pg_catalog.pg_proc p on p.oid = t.tgfoid and p.pronamespace = 'bucardo'::regnamespace
       where t.tgrelid = w.oid and t.tgname = any ($2::text[]) and t.tgenabled in ('O', 'A'))
      <> pg_catalog.cardinality($2::text[])
order by w.n
