-- Of each of the tables $1 the unique indexes without predicate or expression: B-trees (WITHOUT
-- OVERLAPS, since 18, makes others) that are valid; and whether each can tell rows apart: every
-- column is NOT NULL. The primary key comes first, then those that refuse a row at once (the
-- constraint is not DEFERRABLE), then the fewest columns, then the oldest. With each column the
-- equality of the index's own operator class, by its schema, so that citext compares as citext
-- whatever the search_path. INCLUDE columns (since 11) are no key columns. Then, whether equal keys
-- are always identical; 1.0 and 1.00 are not, nor are 'a' and 'A' where a collation (since 12) says
-- they are equal. OFFSET 0 keeps the planner from looking at the columns of an index once for each
-- operator class there is.
select array_agg(a.attname::text order by i.position),
       array_agg(t.typname::text order by i.position),
       array_agg(pg_catalog.format('operator(%I.%s)', on_.nspname, o.oprname) order by i.position),
       bool_and((t.typtype = 'e' or t.oid = any ('{bool, int2, int4, int8, oid, uuid, bytea, text, varchar, name, date, time, timestamp,
                                                   timestamptz, inet, cidr, macaddr, macaddr8, bit, varbit, money}'::regtype[]))
                and coalesce(pg_catalog.to_jsonb(l) ->> 'collisdeterministic', 'true') = 'true'),
       bool_and(a.attnotnull),
       i.indrelid,
       i.indimmediate
from (select i.indrelid, i.indexrelid, i.indisprimary, i.indimmediate, i.indkey, i.indclass, k.position
      from pg_catalog.pg_index i
      cross join lateral pg_catalog.generate_series(
        0, coalesce((pg_catalog.to_jsonb(i) ->> 'indnkeyatts')::integer, i.indnatts::integer) - 1) as k (position)
      where i.indrelid = any ($1) and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
      offset 0) i
join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[i.position]
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_collation l on l.oid = a.attcollation
join pg_catalog.pg_opclass c on c.oid = i.indclass[i.position]
                            and c.opcmethod = (select oid from pg_catalog.pg_am where amname = 'btree')
join pg_catalog.pg_amop m on m.amopfamily = c.opcfamily and m.amopstrategy = 3
                         and m.amoplefttype = c.opcintype and m.amoprighttype = c.opcintype
join pg_catalog.pg_operator o on o.oid = m.amopopr
join pg_catalog.pg_namespace on_ on on_.oid = o.oprnamespace
group by i.indrelid, i.indexrelid, i.indisprimary, i.indimmediate
order by i.indisprimary desc, i.indimmediate desc, count(*), i.indexrelid
