-- The tables, but table $1, that a selection reads; the selection is the temporary view
-- bucardo_select. With the columns that it reads, and their types.
select n.nspname::text, c.relname::text, c.oid, c.relkind in ('r', 'p') as lockable,
       array_agg(a.attname::text order by a.attnum) filter (where a.attnum > 0),
       array_agg(a.atttypid order by a.attnum) filter (where a.attnum > 0)
from pg_catalog.pg_rewrite w
join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
                           and d.refclassid = 'pg_catalog.pg_class'::regclass
join pg_catalog.pg_class c on c.oid = d.refobjid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid and a.attnum > 0
where w.ev_class = 'pg_temp.bucardo_select'::regclass and c.oid not in ($1, w.ev_class)
group by n.nspname, c.relname, c.oid, c.relkind
order by c.oid
