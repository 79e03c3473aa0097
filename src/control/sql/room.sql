-- Unfinished jobs, other than one that waits for this very target, against the limits; a limit of 0 is none.
with unfinished as (
  select sync, sourcedb, targetdb from bucardo.q
  where ended is null and aborted is null and not (sync = $1 and targetdb = $3 and started is null))
select (select count(*) from unfinished where sync = $1),
       coalesce((select sourcelimit = 0 or sourcelimit > (select count(*) from unfinished where sourcedb = $2)
                 from bucardo.db where name = $2), true),
       coalesce((select targetlimit = 0 or targetlimit > (select count(*) from unfinished where targetdb = $3)
                 from bucardo.db where name = $3), true),
       exists (select from bucardo.db where name = $2 and sourcelimit <> 0 or name = $3 and targetlimit <> 0)
