-- An expression over pg_namespace n and pg_class c, which the statements around it put in: whether
-- c can be read without running anything that others have written. It belongs to others, perhaps,
-- and we may be superuser: only a plain table of the server's own types will do, without
-- expressions in indexes and statistics, which are evaluated when a query is planned.
(c.relkind = 'r' and not c.relhasrules and not c.relrowsecurity and not c.relispartition
 and pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select')
 and not exists (
   select from pg_catalog.pg_index i
   where i.indrelid = c.oid and (i.indexprs is not null or i.indpred is not null))
 and not exists (select from pg_catalog.pg_statistic_ext s where s.stxrelid = c.oid)
 and not exists (
   select from pg_catalog.pg_attribute a
   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     and a.atttypid not in ('text'::pg_catalog.regtype, 'timestamptz'::pg_catalog.regtype, 'boolean'::pg_catalog.regtype, 'oid'::pg_catalog.regtype)))
