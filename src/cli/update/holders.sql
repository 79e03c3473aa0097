-- The active databases on which records of a sync may have the name of database $1.
select distinct h.db, h.sync
from bucardo.place p
join bucardo.place h on h.sync = p.sync
join bucardo.db d on d.name = h.db
where p.db = $1 and d.status = 'active'
order by 1
