-- Jobs of the syncs $1 that were begun and are not ended wait again, as one for each target. $2 is
-- what a KID says that was asked to stop.
with broken as (
  delete from bucardo.q
  where sync = any ($1) and started is not null and ended is null and (aborted is null or whydie = $2)
  returning sync, sourcedb, targetdb, synctype, ppid, cdate)
insert into bucardo.q (sync, ppid, sourcedb, targetdb, synctype, cdate)
select distinct on (sync, sourcedb, targetdb) sync, ppid, sourcedb, targetdb, synctype, cdate
from broken
order by sync, sourcedb, targetdb, cdate
on conflict (sync, sourcedb, targetdb) where started is null do nothing
