-- For each sync named in $1 its newest good and its newest bad run since $2; its moment in the
-- format $3 and, without the date if it was today, $4. Good: ended, never aborted. Bad: both; an
-- aborted job that its controller has not acknowledged yet has no end.
select r.sync, r.bad,
       extract(epoch from now() - coalesce(r.aborted, r.ended))::bigint as age,
       extract(epoch from coalesce(r.aborted, r.ended) - r.started)::bigint as duration,
       to_char(coalesce(r.aborted, r.ended), $3) as at,
       to_char(coalesce(r.aborted, r.ended), case when coalesce(r.aborted, r.ended) >= date_trunc('day', now())
           then $4 else 'Mon DD ' || $4 end) as clock,
       coalesce(r.targetdb, '') as target, coalesce(r.whydie, '') as whydie,
       coalesce(r.inserts, 0) as inserts, coalesce(r.updates, 0) as updates, coalesce(r.deletes, 0) as deletes
from bucardo.newest_run r
where r.sync = any($1) and r.ended >= $2
