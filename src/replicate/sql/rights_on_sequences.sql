-- For each of the sequences with the schemas $1 and the quoted names $2: whether its schema may be
-- used, and which of the rights $3 are missing.
select usable,
       case when usable
            then array(select right_ from unnest($3::text[]) as right_ where not has_sequence_privilege(w.name, right_))
            else $3 end
from unnest($1::text[], $2::text[]) with ordinality as w (schema, name, position),
     has_schema_privilege(w.schema, 'USAGE') as usable
order by w.position
