-- Of the captures with the names $1, in their order: the ids of the delta tables and of the
-- sequence, null where one is missing or is not as we make it (columns with the types $2, our own
-- columns, indexes, the owner, nothing added); and the sources of the two trigger functions, null
-- where one is missing or is not run as our role.
with named as (
  select w.base, w.types::text[] as types, w.position,
         (select c.oid from pg_catalog.pg_class c
          where c.relnamespace = ours.oid and c.relname = w.base || '_1' and c.relkind = 'r') as delta_1,
         (select c.oid from pg_catalog.pg_class c
          where c.relnamespace = ours.oid and c.relname = w.base || '_2' and c.relkind = 'r') as delta_2,
         (select c.oid from pg_catalog.pg_class c
          where c.relnamespace = ours.oid and c.relname = w.base || '_gen' and c.relkind = 'S'
            and pg_catalog.pg_has_role(c.relowner, 'usage')
            and case when c.relkind = 'S' then pg_catalog.has_sequence_privilege(c.oid, 'select') and pg_catalog.has_sequence_privilege(c.oid, 'update')
                else false end) as generation,
         ours.oid as ours
  from unnest($1::text[], $2::text[]) with ordinality as w (base, types, position)
  cross join (select oid from pg_catalog.pg_namespace where nspname = 'bucardo') as ours),
whole as (
  select c.oid
  from named
  join pg_catalog.pg_class c on c.oid in (named.delta_1, named.delta_2)
  where pg_catalog.pg_has_role(c.relowner, 'usage') and not (c.relhasrules or c.relhastriggers or c.relforcerowsecurity or c.relchecks > 0)
    and (select bool_and(pg_catalog.has_table_privilege(c.oid, r.name)) from unnest('{select,insert,delete,truncate}'::text[]) as r (name))
    and c.relpersistence = 'p' and c.relreplident = 'f'
    and (select count(*) from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisvalid and not i.indisunique) = 2
    and array(select pg_catalog.format_type(a.atttypid, a.atttypmod)
              from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attname ~ '^k[0-9]+$'
              order by a.attnum) = named.types
    and array(select a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' ' || a.atthasdef
              from pg_catalog.pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attname !~ '^k[0-9]+$'
              order by a.attname)
        = array['origin text false false', 'truncated boolean false false', 'txid bigint true true',
                'txntime timestamp with time zone true true', 'via text false false'])
select (select w.oid from whole w where w.oid = named.delta_1),
       (select w.oid from whole w where w.oid = named.delta_2),
       named.generation,
       (select p.prosrc || case when p.proacl is null or p.proacl::text ~ '[{,]=X' then ' public' else '' end
        from pg_catalog.pg_proc p
        where p.pronamespace = named.ours and p.proname = 'add_' || named.base and p.pronargs = 0 and p.prosecdef and p.proconfig is null
          and p.proowner = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user)),
       (select p.prosrc || case when p.proacl is null or p.proacl::text ~ '[{,]=X' then ' public' else '' end
        from pg_catalog.pg_proc p
        where p.pronamespace = named.ours and p.proname = 'cut_' || named.base and p.pronargs = 0 and p.prosecdef
          and p.proconfig = array['row_security=off']
          and p.proowner = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user))
from named
order by named.position
