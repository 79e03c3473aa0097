-- Captured tables that no sync wants.
select d.schemaname, d.relname, d.deltaname
from bucardo.bucardo_delta_names d
where not exists (select from bucardo.bucardo_delta_targets t where d.tablename = any (t.tables))
