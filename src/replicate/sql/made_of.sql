-- The types of users of which a type y is made: elements, what a domain is made of, subtypes of
-- ranges, attributes. A part of a recursive query.
cross join lateral (
  select y.typelem
  union all
  select y.typbasetype
  union all
  select r.rngsubtype
  from pg_catalog.pg_range r
  where y.typtype in ('r', 'm') and (r.rngtypid = y.oid or pg_catalog.to_jsonb(r) ->> 'rngmultitypid' = y.oid::text)
  union all
  select a.atttypid
  from pg_catalog.pg_attribute a
  where a.attrelid = y.typrelid and a.attnum > 0 and not a.attisdropped) as made_of (oid)
where made_of.oid >= 16384
