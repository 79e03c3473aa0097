-- For each sync named in $1 the targets whose newest job was aborted and has a time for the next try.
select newest.sync, newest.target, to_char(newest.retry_at, 'Mon DD, YYYY HH24:MI:SS') as at
from (
    select distinct on (q.sync, q.targetdb) q.sync, coalesce(q.targetdb, '') as target, q.aborted, q.retry_at
    from bucardo.q
    where q.sync = any($1)
    order by q.sync, q.targetdb, q.id desc
) newest
where newest.aborted is not null and newest.retry_at is not null
order by newest.sync, newest.target
