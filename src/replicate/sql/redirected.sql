-- Whether any of the quoted names $1 leads to another relation than $2.
select exists (
  select from unnest($1::text[], $2::oid[]) as w (name, oid)
  where pg_catalog.to_regclass(w.name)::oid is distinct from w.oid)
