-- What the unique indexes and exclusion constraints of the tables $1 forbid, in the order of their
-- names, which is the same on all databases: the table; the compared values, as expressions over
-- its columns; their operators; the predicate; whether NULL equals NULL (since 15); the columns
-- that all of this reads; the compared values as columns, if they are just that and every row is
-- concerned. B-trees and exclusion constraints: WITHOUT OVERLAPS (since 18) is neither. A collation
-- (of the index, where it is not the column's) decides what is equal. A KID asks this for one table
-- after another, so nothing here may read a whole catalog: UNNEST tells the planner how few columns
-- an index has, which GENERATE_SERIES does not, and OFFSET 0 has a constraint looked up by its
-- table.
select i.indrelid,
       array_agg(pg_catalog.pg_get_indexdef(i.indexrelid, i.position + 1, false)
                 || case when a.attcollation <> i.collation then pg_catalog.format(' collate %I.%I', ln.nspname, l.collname) else '' end
                 order by i.position),
       array_agg(pg_catalog.format('operator(%I.%s)', on_.nspname, o.oprname) order by i.position),
       i.predicate,
       i.nulls,
       (select array_agg(r.attname::text order by r.attnum)
        from pg_catalog.pg_attribute r
        where r.attrelid = i.indrelid and r.attnum > 0
          and (r.attnum = any (i.indkey)
               or exists (select from pg_catalog.pg_depend d
                          where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = i.indexrelid
                            and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = i.indrelid
                            and d.refobjsubid = r.attnum))),
       case when i.plain then array_agg(a.attname::text order by i.position) else '{}' end
from (select i.indrelid, i.indexrelid, i.indkey::smallint[] as indkey, x.relname,
             k.position, i.indkey[k.position] as attnum, i.indcollation[k.position] as collation, k.class,
             c.conexclop[k.position + 1] as excluding,
             pg_catalog.pg_get_expr(i.indpred, i.indrelid) as predicate,
             coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) as nulls,
             i.indpred is null and i.indexprs is null and c.oid is null as plain
      from pg_catalog.pg_index i
      join pg_catalog.pg_class x on x.oid = i.indexrelid
      left join lateral (select c.oid, c.conexclop
                         from pg_catalog.pg_constraint c
                         where c.conrelid = i.indrelid and c.conindid = i.indexrelid and c.contype = 'x'
                         offset 0) c on true
      cross join lateral (select u.class, u.position::integer - 1
                          from pg_catalog.unnest(i.indclass::oid[]) with ordinality as u (class, position)) as k (class, position)
      where i.indrelid = any ($1) and i.indisvalid and (i.indisunique or c.oid is not null)
      offset 0) i
left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.attnum and i.attnum > 0
left join pg_catalog.pg_collation l on l.oid = i.collation
left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
left join pg_catalog.pg_opclass p on p.oid = i.class
left join pg_catalog.pg_amop m on i.excluding is null
                              and p.opcmethod = (select oid from pg_catalog.pg_am where amname = 'btree')
                              and m.amopfamily = p.opcfamily and m.amopstrategy = 3
                              and m.amoplefttype = p.opcintype and m.amoprighttype = p.opcintype
join pg_catalog.pg_operator o on o.oid = coalesce(i.excluding, m.amopopr)
join pg_catalog.pg_namespace on_ on on_.oid = o.oprnamespace
group by i.indrelid, i.indexrelid, i.indkey, i.relname, i.predicate, i.nulls, i.plain
order by i.relname
