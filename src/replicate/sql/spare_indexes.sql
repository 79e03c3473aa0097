-- Indexes of a table that can be made again, just as they are, from their definition alone: no
-- constraint rests on them, and nothing was said of them by other statements. None if the table is
-- not the session's alone, or belongs to somebody else.
select format('%I.%I', n.nspname, c.relname), pg_get_indexdef(i.indexrelid)
from pg_index i
join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_class t on t.oid = i.indrelid
where i.indrelid = $1::text::regclass and t.relkind = 'r' and not t.relispartition and pg_has_role(t.relowner, 'usage')
  and exists (select from pg_locks where locktype = 'relation' and relation = i.indrelid and pid = pg_backend_pid()
              and database = (select oid from pg_database where datname = current_database())
              and mode = 'AccessExclusiveLock' and granted)
  and i.indisvalid and i.indisready and not i.indisreplident and not i.indisclustered and not i.indisexclusion
  and c.reltablespace = 0 and obj_description(i.indexrelid, 'pg_class') is null
  and not exists (select from pg_constraint where conindid = i.indexrelid)
  and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = i.indexrelid and deptype in ('e', 'x'))
  -- What a function finds may depend on the search_path under which the index is built.
  and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = i.indexrelid and refclassid = 'pg_proc'::regclass)
  and not exists (select from pg_depend where refclassid = 'pg_class'::regclass and refobjid = i.indexrelid)
  and not exists (select from pg_attribute where attrelid = i.indexrelid and coalesce(attstattarget, -1) >= 0)
order by c.relname
