-- Those of the tables $1, as positions from 0, that have no delta tables or not all the triggers $2
-- (on a partitioned table, with its id) that capture their changes, calling functions of ours and
-- firing for what applications write.
select w.n::integer - 1
from unnest($1::oid[]) with ordinality as w (oid, n)
where not exists (select from bucardo.bucardo_delta_names d where d.tablename = w.oid)
   or (select count(*)
       from pg_catalog.pg_trigger t
       join pg_catalog.pg_class c on c.oid = t.tgrelid
       join pg_catalog.pg_proc p on p.oid = t.tgfoid and p.pronamespace = 'bucardo'::regnamespace
       where t.tgrelid = w.oid and t.tgname = any (array(select plain || case c.relkind when 'p' then '_p' || c.oid else '' end from unnest($2::text[]) as names (plain)))
         and t.tgenabled in ('O', 'A'))
      <> pg_catalog.cardinality($2::text[])
order by w.n
