-- The sync that has waited longest for a connection to a server of the databases $3, if the job of
-- sync $1 and target $2 has not waited longer, and which of these databases are there. It comes
-- first for 20 seconds, from the fifth on: a moment is not worth the order, and one that wants more
-- than there can be must not stop the others. $4 are the words before the database to which a job
-- lacks a connection.
with own as (
  select heartbeat
  from bucardo.q
  where sync = $1 and targetdb = $2 and started is null)
select q.sync, ours.name
from bucardo.q
join bucardo.db lacking on q.progress = pg_catalog.format('%sdatabase "%s"', $4::text, lacking.name)
join bucardo.db ours on (coalesce(ours.dbhost, ''), ours.dbport) = (coalesce(lacking.dbhost, ''), lacking.dbport)
where q.started is null and q.ended is null and q.aborted is null
  and (q.sync, q.targetdb) <> ($1, $2)
  and q.heartbeat between clock_timestamp() - interval '25 seconds' and clock_timestamp() - interval '5 seconds'
  and q.heartbeat < coalesce((select heartbeat from own), 'infinity')
  and ours.name = any ($3)
order by q.heartbeat
limit 1
