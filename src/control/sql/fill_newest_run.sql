-- The newest good and the newest bad run of each sync, from the history.
insert into bucardo.newest_run (sync, bad, targetdb, updates, inserts, deletes, started, aborted, whydie, ended)
select distinct on (sync, aborted is not null)
       sync, aborted is not null, (select d.name from bucardo.db d where d.name = targetdb),
       updates, inserts, deletes, started, aborted, whydie, ended
from (
  select sync, targetdb, updates, inserts, deletes, started, aborted, whydie, ended from bucardo.q
  union all
  select sync, targetdb, updates, inserts, deletes, started, aborted, whydie, ended from freezer.master_q) as run
where ended is not null and sync in (select name from bucardo.sync)
order by 1, 2, ended desc
