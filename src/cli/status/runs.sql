-- For each sync named in $1 its newest good and its newest bad run since $2; its moment in the format $3 and, without the date if it was
-- today, $4.
-- Good: ended, never aborted. Bad: both; an aborted job that its controller has not acknowledged yet has no end.
-- The queue and its archive are asked separately, so that each answers from its index q_newest; that $2 is a plain value
-- lets the planner leave out the archive's older days.
select s.name as sync, r.bad,
       extract(epoch from now() - coalesce(r.aborted, r.ended))::bigint as age,
       extract(epoch from coalesce(r.aborted, r.ended) - r.started)::bigint as duration,
       to_char(coalesce(r.aborted, r.ended), $3) as at,
       to_char(coalesce(r.aborted, r.ended), case when coalesce(r.aborted, r.ended) >= date_trunc('day', now())
           then $4 else 'Mon DD ' || $4 end) as clock,
       coalesce(r.targetdb, '') as target, coalesce(r.whydie, '') as whydie,
       coalesce(r.inserts, 0) as inserts, coalesce(r.updates, 0) as updates, coalesce(r.deletes, 0) as deletes
from bucardo.sync s
cross join (values (false), (true)) as kind (bad)
cross join lateral (
    select kind.bad, newest.*
    from (
        (select q.targetdb, q.whydie, q.inserts, q.updates, q.deletes, q.started, q.aborted, q.ended
         from bucardo.q
         where q.sync = s.name and q.ended is not null and (q.aborted is not null) = kind.bad
           and q.cdate >= $2 and q.ended >= $2
         order by q.ended desc limit 1)
        union all
        (select q.targetdb, q.whydie, q.inserts, q.updates, q.deletes, q.started, q.aborted, q.ended
         from freezer.master_q q
         where q.sync = s.name and q.ended is not null and (q.aborted is not null) = kind.bad
           and q.cdate >= $2 and q.ended >= $2
         order by q.ended desc limit 1)
    ) newest
    order by newest.ended desc limit 1
) r
where s.name = any($1)
