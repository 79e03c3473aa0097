-- A relation by name: id, kind, estimated rows, how many of its indexes can refuse a row, a number that tells when it is to be
-- read again, and whether it has rules.
select c.oid,
       c.relkind::text,
       greatest(c.reltuples, 0)::real,
       (select count(*) from pg_catalog.pg_index i where i.indrelid = c.oid and (i.indisunique or i.indisexclusion)),
       0 /* signature */,
       c.relhasrules
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1::text and c.relname = $2::text
