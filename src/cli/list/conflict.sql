-- The records of conflicts of the syncs whose name in lower case matches one of the patterns $1
-- (all if there are none), oldest first.
select c.id, c.sync, c.schemaname || '.' || c.tablename as label, c.key, c.strategy, c.winner,
       to_char(c.cdate, 'Mon DD, YYYY HH24:MI:SS') as at,
       array(select db || ' at ' || moment
               from jsonb_each_text(case jsonb_typeof(c.changes) when 'object' then c.changes else '{}' end) as change (db, moment)
              order by db) as changes,
       c.details::text as details
  from bucardo.conflict c
 where cardinality($1::text[]) = 0 or lower(c.sync) ~ any ($1::text[])
 order by c.cdate, c.id;
