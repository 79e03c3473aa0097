-- Ends the job of KID $3, which serves sync $1 and target $2 and whose controller is $5, as failed
-- for reason $4. Its job is the one that it has claimed, else the one that waits, unless that is
-- younger than number $6; else it is noted as a job with that number.
with mine as (
  select id
  from bucardo.q
  where sync = $1
    and targetdb = $2
    and (pid = $3 or started is null and ppid = $5 and id <= $6)
    and ended is null
    and aborted is null
  order by started is null
  limit 1
  for update),
aborted as (
  update bucardo.q
  set aborted = clock_timestamp(), whydie = $4, pid = $3, started = coalesce(started, clock_timestamp())
  where id = (select id from mine)
  returning id),
noted as (
  insert into bucardo.q (id, sync, ppid, pid, sourcedb, targetdb, synctype, cdate, started, aborted, whydie)
  select $6::bigint, w.sync, w.ppid, $3::integer, w.sourcedb, w.targetdb, w.synctype, clock_timestamp(), clock_timestamp(), clock_timestamp(), $4::text
  from bucardo.q w
  where w.sync = $1 and w.targetdb = $2 and w.started is null and w.ppid = $5 and w.id > $6
    and not exists (select from mine)
  limit 1
  on conflict (id) do nothing
  returning id)
select id from aborted
union all
select id from noted
