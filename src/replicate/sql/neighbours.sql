-- The schemas of other installations than that with schema $1; of each, whether our role may read
-- what it says of itself, and whether it writes on this database.
select n.nspname::text,
       pg_catalog.bool_or(c.relname = 'bucardo_installation' and {readable}),
       pg_catalog.bool_or(c.relname = 'bucardo_track')
from pg_catalog.pg_namespace n
join pg_catalog.pg_class c on c.relnamespace = n.oid
where n.nspname <> $1::text and n.nspname ~ '^bucardo(_[0-9a-f]{8})?$'
  and c.relname in ('bucardo_installation', 'bucardo_identity', 'bucardo_track')
group by n.nspname
having pg_catalog.bool_or(c.relname in ('bucardo_installation', 'bucardo_identity'))
order by n.nspname
