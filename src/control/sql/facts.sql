-- What is known in the control database about each sync named in $1, for its state. A job that
-- waits goes before one that runs, as in the original. A target fails when its newest job that came
-- to an end failed; until it is tried again, it waits for that. A job that a stop has broken off
-- came to no end.
with last_try as (
  select distinct on (q.sync, q.targetdb) q.id, q.sync, q.targetdb, q.aborted, q.whydie
  from bucardo.q
  where q.sync = any ($1)
    and q.started is not null
    and (q.retry_at is not null or q.ended is not null and q.aborted is null)
  order by q.sync, q.targetdb, q.id desc),
failing as (
  select distinct on (l.sync) l.sync, again.runs as tried_again,
         case when position(l.targetdb in coalesce(l.whydie, '')) > 0 then btrim(l.whydie, E' \n')
              else concat(l.targetdb, ': ', coalesce(nullif(btrim(l.whydie, E' \n'), ''), 'its last job failed')) end as reason
  from last_try l
  cross join lateral (
    select exists (
      select from bucardo.q
      where q.sync = l.sync and q.targetdb = l.targetdb and q.id > l.id
        and q.started is not null and q.ended is null and q.aborted is null) as runs) again
  where l.aborted is not null
  order by l.sync, again.runs, l.targetdb),
job as (
  select distinct on (q.sync) q.sync, q.started is not null as runs, coalesce(q.progress, '') as progress
  from bucardo.q
  where q.sync = any ($1) and q.ended is null and q.aborted is null
  order by q.sync, q.started desc)
select s.name,
       s.status = 'active' as active,
       (select min(d.name)
        from bucardo.herdmap h
        join bucardo.goat g on g.id = h.goat
        join bucardo.db d on d.name = g.db
        where h.herd = s.source and d.status <> 'active') as source_off,
       {left_alone} as left_alone,
       not exists (
         select from bucardo.db d
         left join bucardo.dbmap m on m.db = d.name and m.dbgroup = s.targetgroup
         where (d.name = s.targetdb or m.dbgroup is not null)
           and (d.status = 'active' or s.synctype = 'swap' and (d.name is not distinct from s.targetdb or m.role = 'source'))
           and not (coalesce(m.role = 'source', false) and exists (
             select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source and g.db = d.name)))
         as lacks_target,
       extract(epoch from clock_timestamp() - t.paused)::bigint as paused,
       t.asked,
       t.trouble,
       coalesce(t.reason, '') as reason,
       (select coalesce(v.outcome, '') from bucardo.validation v where v.sync = s.name and not v.ok) as invalid,
       failing.reason as failing,
       coalesce(failing.tried_again, false) as tried_again,
       job.runs,
       job.progress,
       s.synctype = 'fullcopy' as copies_all,
       s.ping or s.do_listen or exists (
         select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source and g.ping) as listens,
       coalesce((select c.value from bucardo.bucardo_config c where c.setting = 'waiting_alarm' and c.name is null), '') as patience,
       s.onetimecopy > 0 as copies_once,
       (select count(*) from bucardo.gap where gap.sync = s.name) as gaps,
       (select extract(epoch from clock_timestamp() - r.ended)::bigint
        from bucardo.newest_run r
        where r.sync = s.name and not r.bad) as good,
       extract(epoch from s.checktime)::bigint as checktime,
       extract(epoch from s.overdue)::bigint as overdue,
       extract(epoch from s.expired)::bigint as expired
from bucardo.sync s
left join bucardo.sync_state t on t.sync = s.name
left join failing on failing.sync = s.name
left join job on job.sync = s.name
where s.name = any ($1)
