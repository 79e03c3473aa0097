-- For each sync named in $1 the job that waits or, if none waits, the one that started last.
select distinct on (q.sync) q.sync, q.started is not null as is_started, coalesce(q.targetdb, '') as target, coalesce(q.pid, 0) as pid,
       extract(epoch from now() - coalesce(q.started, q.cdate))::bigint as age,
       case when q.started is not null then q.progress end as progress
from bucardo.q
where q.sync = any($1) and q.ended is null and q.aborted is null
order by q.sync, q.started desc
