-- The sync that has waited longest for connections to a server of the databases $3, if the job of
-- sync $1 and target $2 has not waited longer. It comes first for 20 seconds, from the fifth on: a
-- moment is not worth the order, and one that wants more than there can be must not stop the
-- others.
with own as (
  select heartbeat
  from bucardo.q
  where sync = $1 and targetdb = $2 and started is null),
servers as (
  select coalesce(dbhost, ''), dbport
  from bucardo.db
  where name = any ($3))
select q.sync
from bucardo.q
where q.started is null and q.ended is null and q.aborted is null
  and (q.sync, q.targetdb) <> ($1, $2)
  and q.heartbeat between clock_timestamp() - interval '25 seconds' and clock_timestamp() - interval '5 seconds'
  and q.heartbeat < coalesce((select heartbeat from own), 'infinity')
  and exists (select from bucardo.db d
              where d.name in (q.sourcedb, q.targetdb) and (coalesce(d.dbhost, ''), d.dbport) in (select * from servers))
order by q.heartbeat
limit 1
