-- The syncs whose name in lower case matches one of the patterns $1 (all if there are none) and
-- that fulfil further conditions on the values $2, with the group they go to (a single target
-- counts as a group of the sync's name), and one line for each member of their herd. The source is
-- shown among the members, whether the group names it or not.
select s.name, s.source as herd, s.status,
       '"' || coalesce(s.targetgroup, s.name) || '" ' || array_to_string(array(
           select member || ':' || role
             from (select own.db as member, 'source' as role, -32769 as priority
                    where own.db is not null
                   union all
                   select s.targetdb, case s.synctype when 'swap' then 'source' when 'fullcopy' then 'fullcopy' else 'target' end, 0
                    where s.targetdb is not null
                   union all
                   select m.db, case when s.synctype = 'fullcopy' then 'fullcopy' else m.role end, m.priority
                     from bucardo.dbmap m
                    where m.dbgroup = s.targetgroup and m.db is distinct from own.db) as party
            order by role <> 'source', priority, member), ' ') as "group",
       array(select '  ' || initcap(g.reltype) || ' ' || g.schemaname || '.' || g.tablename
               from bucardo.herdmap m
               join bucardo.goat g on g.id = m.goat
              where m.herd = s.source
              order by m.priority desc, g.id) as members
  from bucardo.sync s
  cross join lateral (
       select min(g.db) as db from bucardo.herdmap m join bucardo.goat g on g.id = m.goat where m.herd = s.source) as own
 where (cardinality($1::text[]) = 0 or lower(s.name) ~ any ($1::text[]))
   and (cardinality($2::text[]) >= 0)
   and true /* which */
 order by s.name;
