-- A digest of the enumerated and composite types of which columns of the relations with the schemas
-- $1 and the names $2 are made, at any depth. Types of the server itself do not change.
with recursive types (oid) as (
  select a.atttypid
  from unnest($1::text[], $2::text[]) as w (schema, name)
  join pg_catalog.pg_namespace n on n.nspname = w.schema
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where a.atttypid >= 16384
  union
  select made_of.oid
  from types t
  join pg_catalog.pg_type y on y.oid = t.oid
  {made_of}
)
select pg_catalog.md5(pg_catalog.concat_ws('|',
  array(select e.xmin
        from types t
        join pg_catalog.pg_enum e on e.enumtypid = t.oid
        order by e.oid),
  array(select a.xmin
        from types t
        join pg_catalog.pg_type y on y.oid = t.oid
        join pg_catalog.pg_attribute a on a.attrelid = y.typrelid and a.attnum > 0
        order by a.attrelid, a.attnum)))
