-- For each of the tables with the schemas $1 and the ids $2: whether its schema may be used, which
-- of the rights $3 are missing, and whether row-level security counts for our role.
select has_schema_privilege(w.schema, 'USAGE'),
       array(select right_ from unnest($3::text[]) as right_ where not has_table_privilege(w.oid, right_)),
       row_security_active(w.oid)
from unnest($1::text[], $2::oid[]) with ordinality as w (schema, oid, position)
order by w.position
