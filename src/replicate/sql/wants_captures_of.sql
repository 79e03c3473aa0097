-- Whether sync $2 has no changes captured yet, and wants those of a table of sync $1; its tables have
-- the schemas $3 and the names $4.
select not exists (select from bucardo.bucardo_delta_targets where sync = $2)
  and exists (
    select from bucardo.bucardo_delta_targets d
    cross join unnest($3::text[], $4::text[]) as w (schema, name)
    join pg_catalog.pg_namespace n on n.nspname = w.schema
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = w.name
    where d.sync = $1 and c.oid = any (d.tables))
