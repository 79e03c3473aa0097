-- The triggers named $3 on the tables with the schemas $1 and the names $2: table, name, when it
-- fires, the function it calls, and its condition: whether it has none, or is the one by which it
-- depends on the function that its own calls, or is another.
select n.nspname::text, c.relname::text, t.tgname::text, t.tgenabled::text, f.nspname::text, p.proname::text,
       case when t.tgqual is null then 'none'
            when pg_catalog.pg_get_triggerdef(t.oid)
              ~ ' WHEN \(\(''bucardo\.bucardo_fits\([^()'']*\)''::(pg_catalog\.)?regprocedure IS NOT NULL\)\) EXECUTE ' then 'depends'
            else 'other' end
from unnest($1::text[], $2::text[]) as w (schema, name)
join pg_catalog.pg_namespace n on n.nspname = w.schema
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name
join pg_catalog.pg_trigger t on t.tgrelid = c.oid and t.tgname = any ($3::text[])
join pg_catalog.pg_proc p on p.oid = t.tgfoid
join pg_catalog.pg_namespace f on f.oid = p.pronamespace
