-- What is set for tables by customname or customcols; with the patterns $1 (schemas) and $2
-- (names), only for tables that match one.
select c.id, g.schemaname || '.' || g.tablename, c.{column}, c.db, c.sync
from bucardo.{table} c
join bucardo.goat g on g.id = c.goat
where cardinality($1::text[]) = 0
   or exists (
     select from unnest($1::text[], $2::text[]) as wanted (schema, name)
     where g.schemaname ~ wanted.schema and g.tablename ~ wanted.name)
order by c.id
