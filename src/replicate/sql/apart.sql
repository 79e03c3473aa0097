-- Those of the tables $1 that can be written beside one another in sessions of their own, as
-- positions from 0, and whether TRUNCATE may empty them: no partition, parent or heir is among
-- them, which would lock or write other tables as well, and nothing fires when we write that could
-- do so.
select n::integer - 1,
       pg_catalog.has_table_privilege(c.oid, 'truncate')
         and not exists (select from pg_catalog.pg_constraint f where f.contype = 'f' and f.confrelid = c.oid and f.conrelid <> c.oid)
from unnest($1::text[]) with ordinality as wanted (name, n)
join pg_catalog.pg_class c on c.oid = wanted.name::regclass
where c.relkind = 'r'
  and not exists (select from pg_catalog.pg_inherits i where c.oid in (i.inhrelid, i.inhparent))
  and not exists (select from pg_catalog.pg_trigger t where t.tgrelid = c.oid and t.tgenabled in ('A', 'R'))
  and not exists (select from pg_catalog.pg_rewrite r where r.ev_class = c.oid and r.ev_enabled in ('A', 'R'))
order by 1
