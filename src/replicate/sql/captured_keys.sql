-- Columns $2 of the tables $1, in their order, as they are captured: their numbers; the types that
-- are stored, without length or precision; a collation that may find different texts equal; and the
-- ids of all types that can be stored so. Domains are replaced by what they are made of.
select a.attnum,
       coalesce(family.stored, pg_catalog.format_type(base.oid, -1)),
       (select pg_catalog.format('%I.%I', n.nspname, l.collname)
        from pg_catalog.pg_collation l
        join pg_catalog.pg_namespace n on n.oid = l.collnamespace
        where l.oid = a.attcollation and coalesce(pg_catalog.to_jsonb(l) ->> 'collisdeterministic', 'true') = 'false'),
       (coalesce(family.types::oid[], array[base.oid]) || a.atttypid)::text
from unnest($1::oid[], $2::text[]) with ordinality as wanted (oid, name, position)
join pg_catalog.pg_attribute a on a.attrelid = wanted.oid and a.attname = wanted.name and a.attnum > 0 and not a.attisdropped
cross join lateral (
  with recursive made_of (oid) as (
    select a.atttypid
    union all
    select t.typbasetype from made_of m join pg_catalog.pg_type t on t.oid = m.oid where t.typtype = 'd')
  select m.oid from made_of m join pg_catalog.pg_type t on t.oid = m.oid where t.typtype <> 'd') as base
left join (values ('{int2,int4,int8}'::regtype[], 'bigint'),
                  ('{varchar,text}'::regtype[], 'text'),
                  ('{float4,float8}'::regtype[], 'double precision')) as family (types, stored)
  on base.oid::regtype = any (family.types)
order by wanted.position
