-- The databases whose name matches one of the patterns $1 (all if there are none), with the groups
-- they belong to and the syncs that use them.
select d.name, d.status, d.sourcelimit, d.targetlimit, d.dbport, d.dbuser, d.dbname, d.dbhost, d.server_side_prepares, d.makedelta,
       array(select m.dbgroup from bucardo.dbmap m where m.db = d.name order by 1) as groups,
       array(select distinct s.name
               from bucardo.sync s
               left join bucardo.herdmap h on h.herd = s.source
               left join bucardo.goat g on g.id = h.goat
               left join bucardo.dbmap m on m.dbgroup = s.targetgroup and m.role = 'source'
              where d.name in (g.db, m.db)
              order by 1) as source_of,
       array(select distinct s.name
               from bucardo.sync s
               left join bucardo.dbmap m on m.dbgroup = s.targetgroup and m.role = 'target'
              where d.name in (s.targetdb, m.db)
              order by 1) as target_of
  from bucardo.db d
 where cardinality($1::text[]) = 0 or d.name ~ any ($1::text[])
 order by d.name;
