-- New goats of database $1 and kind $2, in the order of their names; what the keys are called is in
-- $5 to $7.
insert into bucardo.goat (db, reltype, schemaname, tablename, pkey, qpkey, pkeytype)
select $1, $2, w.schema, w.name, w.pkey, w.qpkey, w.pkeytype
from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) with ordinality
     as w (schema, name, pkey, qpkey, pkeytype, position)
order by w.position
returning id, db, reltype, schemaname, tablename
