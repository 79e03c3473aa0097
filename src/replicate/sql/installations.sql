-- Whether schema $1 is there; of schema bucardo, whether it says whose it is, whether it says which
-- database it was made in, and whether our role may read both, which has to be a plain table. Asked
-- of the catalog alone: to look up a name in a schema that may not be used is an error.
select exists (select from pg_catalog.pg_namespace where nspname = $1::text),
       coalesce(pg_catalog.bool_or(c.relname = 'bucardo_installation'), false),
       coalesce(pg_catalog.bool_or(c.relname = 'bucardo_identity'), false),
       coalesce(pg_catalog.bool_and({readable}), true)
from pg_catalog.pg_namespace n
join pg_catalog.pg_class c on c.relnamespace = n.oid
where n.nspname = 'bucardo' and c.relname in ('bucardo_installation', 'bucardo_identity')
