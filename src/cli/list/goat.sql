-- The tables or sequences ($1) for which some pair of patterns ($2 for the schema, $3 for the name)
-- matches, or all if there are no patterns; with the herds they are in and the syncs that have
-- these herds.
select g.id, g.schemaname || '.' || g.tablename as label, g.db, g.pkey, g.pkeytype, g.ping,
       array(select m.herd from bucardo.herdmap m where m.goat = g.id order by 1) as herds,
       array(select distinct s.name
               from bucardo.herdmap m
               join bucardo.sync s on s.source = m.herd
              where m.goat = g.id
              order by 1) as syncs
  from bucardo.goat g
 where g.reltype = $1
   and (cardinality($2::text[]) = 0
        or exists (select from unnest($2::text[], $3::text[]) as wanted (schema, name)
                    where g.schemaname ~ wanted.schema and g.tablename ~ wanted.name))
 order by g.schemaname, g.tablename, g.db;
