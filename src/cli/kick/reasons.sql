-- For each target of sync $1 the last job with a number above $2 that is over, if it failed.
select last.targetdb, last.whydie
from (select distinct on (q.targetdb) coalesce(q.targetdb, '') as targetdb, q.whydie, q.aborted
      from bucardo.q
      where q.sync = $1 and q.id > $2 and (q.ended is not null or q.aborted is not null)
      order by q.targetdb, q.id desc) last
where last.aborted is not null
order by last.targetdb
