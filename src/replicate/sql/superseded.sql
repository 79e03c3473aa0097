-- The tables with captures that no consumer reads any more, and the oldest capture that is needed.
-- A consumer that has not said so may read the oldest one.
select d.tablename, (array_agg(d.deltaname order by d.since desc))[1]
from bucardo.bucardo_delta_names d
where d.since is not null and d.retired is null
  and exists (select from bucardo.bucardo_delta_names o
              where o.tablename = d.tablename and o.retired is null and coalesce(o.since, 0) < d.since)
  and not exists (select from bucardo.bucardo_delta_targets t
                  where d.tablename = any (t.tables) and coalesce(t.since, 0) < d.since)
group by d.tablename
