-- Which of the tables $1 our role does not own, and whether all of them have the trigger $2 (on a
-- partitioned table, with its id).
select (select pg_catalog.string_agg(c.oid::pg_catalog.regclass::text, ', ' order by c.oid)
        from pg_catalog.pg_class c where c.oid = any ($1::oid[]) and not pg_catalog.pg_has_role(c.relowner, 'usage')),
       not exists (
         select from unnest($1::oid[]) as w (oid)
         join pg_catalog.pg_class c on c.oid = w.oid
         where not exists (
           select from pg_catalog.pg_trigger t
           where t.tgrelid = w.oid and t.tgname = $2::text || case c.relkind when 'p' then '_p' || c.oid else '' end))
