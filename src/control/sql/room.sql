-- Unfinished jobs, other than one that waits for this very target, against the limits; a limit of 0
-- is none. One that waits until its sync is resumed or activated takes no room.
with unfinished as (
  select q.sync, q.sourcedb, q.targetdb
  from bucardo.q
  left join bucardo.sync s on s.name = q.sync
  left join bucardo.sync_state t on t.sync = q.sync
  where q.ended is null and q.aborted is null and not (q.sync = $1 and q.targetdb = $3 and q.started is null)
    and (q.started is not null
         or t.paused is null and coalesce(t.asked, case when s.status = 'active' then 'activate' end, '') = 'activate'))
select (select count(*) from unfinished where sync = $1),
       coalesce((select sourcelimit = 0 or sourcelimit > (select count(*) from unfinished where sourcedb = $2)
                 from bucardo.db where name = $2), true),
       coalesce((select targetlimit = 0 or targetlimit > (select count(*) from unfinished where targetdb = $3)
                 from bucardo.db where name = $3), true),
       exists (select from bucardo.db where name = $2 and sourcelimit <> 0 or name = $3 and targetlimit <> 0)
