-- Captured tables that no sync wants. NOT IN, because it is answered from one hash of all that are
-- wanted.
select d.deltaname
from bucardo.bucardo_delta_names d
where d.tablename not in (select unnest(t.tables) from bucardo.bucardo_delta_targets t)
