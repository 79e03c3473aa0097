-- The captures of the tables $1, the oldest of each first: the table; the names of the delta
-- tables; the key's columns by the names that they have now, as many as are still there, and by
-- those they had; their operators; whether equal keys are always identical; what is stored, by
-- type; the numbers, and the types that can be stored so; since which transaction the capture holds
-- all changes, if there was one before.
select d.tablename,
       d.deltaname,
       case when d.keynumbers is null then d.keycolumns else
         array(select a.attname::text
               from unnest(d.keynumbers) with ordinality as k (number, position)
               join pg_catalog.pg_attribute a on a.attrelid = d.tablename and a.attnum = k.number and not a.attisdropped
               order by k.position) end,
       d.keycolumns,
       d.keyequals,
       coalesce(d.keyexact, false),
       d.keytypes,
       d.keynumbers,
       d.keyfamilies,
       d.since
from bucardo.bucardo_delta_names d
where d.tablename = any ($1) and d.retired is null
order by d.tablename, d.since nulls first, d.cdate
