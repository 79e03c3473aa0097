-- The herds whose name matches one of the patterns $1 (all if there are none): database, members in
-- the order in which they are replicated, and the syncs that have the herd as source.
select h.name,
       coalesce((select min(g.db) from bucardo.herdmap m join bucardo.goat g on g.id = m.goat where m.herd = h.name), '') as db,
       array(select g.schemaname || '.' || g.tablename
               from bucardo.herdmap m
               join bucardo.goat g on g.id = m.goat
              where m.herd = h.name
              order by m.priority desc, g.id) as members,
       array(select s.name from bucardo.sync s where s.source = h.name order by 1) as syncs
  from bucardo.herd h
 where cardinality($1::text[]) = 0 or h.name ~ any ($1::text[])
 order by h.name;
