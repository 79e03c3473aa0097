-- The tables (relkind $1 = 'r') or sequences ('S') of this database that are not the server's or ours. $2 and $3 are patterns that the schema must or must
-- not match, $4 and $5 the same for the name; an empty list restricts nothing. Partitioned tables have no rows of their own; their partitions are here.
select n.nspname::text, c.relname::text
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = ($1::text)::"char"
   and c.relpersistence <> 't'
   and n.nspname <> 'information_schema'
   and n.nspname !~ '^(pg|bucardo)'
   and (cardinality($2::text[]) = 0 or n.nspname ~ any ($2::text[]))
   and not n.nspname ~ any ($3::text[])
   and (cardinality($4::text[]) = 0 or c.relname ~ any ($4::text[]))
   and not c.relname ~ any ($5::text[])
 order by 1, 2;
