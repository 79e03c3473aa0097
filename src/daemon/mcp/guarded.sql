-- The syncs at which the guard looks: those that do not run as their status says, that wait for
-- something, that have limits, or whose KIDs do not stay and so do not look for changes by
-- themselves; those that are switched off and whose changes are captured; and those of which a mail
-- has told.
select s.name
from bucardo.sync s
left join bucardo.sync_state t on t.sync = s.name
where t.alarm is not null
   or s.status <> 'active' and exists (select from bucardo.place p where p.sync = s.name)
   or s.status = 'active'
      and (t.paused is not null
           or t.asked is not null
           or t.trouble is not null
           or s.overdue > interval '0'
           or s.expired > interval '0'
           or not s.kidsalive
           or exists (
             select from bucardo.q
             where q.sync = s.name and q.started is null and q.ended is null and q.cdate < clock_timestamp() - interval '30 seconds')
           or exists (
             select from bucardo.herdmap h
             join bucardo.goat g on g.id = h.goat
             join bucardo.db d on d.name = g.db
             where h.herd = s.source and d.status <> 'active'))
order by s.name
