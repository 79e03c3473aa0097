-- An expression over pg_namespace n and pg_class c, which the statements around it put in: whether c can be read without running anything that
-- others have written. It belongs to others, perhaps, and we may be superuser: only a plain table of the server's own types will do.
(c.relkind = 'r' and not c.relhasrules and not c.relrowsecurity
 and pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select')
 and not exists (
   select from pg_catalog.pg_attribute a
   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     and a.atttypid not in ('text'::pg_catalog.regtype, 'timestamptz'::pg_catalog.regtype, 'boolean'::pg_catalog.regtype, 'oid'::pg_catalog.regtype)))
