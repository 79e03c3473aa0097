-- The syncs whose name in lower case matches one of the patterns $1 (all if there are none) and
-- whose type is one of $3 (any if there are none), and that fulfil further conditions on the values
-- $2, with one line for each member of their herd.
select s.name, s.synctype, s.source, coalesce(s.targetdb, s.targetgroup) as target, s.status,
       array(select '  ' || initcap(g.reltype) || ' ' || g.schemaname || '.' || g.tablename
               from bucardo.herdmap m
               join bucardo.goat g on g.id = m.goat
              where m.herd = s.source
              order by m.priority desc, g.id) as members
  from bucardo.sync s
 where (cardinality($1::text[]) = 0 or lower(s.name) ~ any ($1::text[]))
   and (cardinality($3::text[]) = 0 or s.synctype = any ($3::text[]))
   and (cardinality($2::text[]) >= 0)
   and true /* which */
 order by s.name;
