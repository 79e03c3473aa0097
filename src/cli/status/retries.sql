-- For each sync named in $1 the targets whose newest job was aborted and has a time for the next
-- try. A job that waits for that try is not newer: kicks may come at any time.
select q.sync, coalesce(q.targetdb, '') as target, to_char(q.retry_at, 'Mon DD, YYYY HH24:MI:SS') as at
from bucardo.q
where q.aborted is not null and q.retry_at is not null
  and q.id in (select max(newest.id) from bucardo.q newest
               where newest.sync = any($1) and newest.started is not null group by newest.sync, newest.targetdb)
order by 1, 2
