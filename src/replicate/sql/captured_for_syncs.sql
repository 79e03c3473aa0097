-- For each of the syncs $1 and each of its tables, the names of the delta tables.
select c.sync, d.tablename, array_agg(distinct d.deltaname)
from bucardo.bucardo_delta_targets c
join bucardo.bucardo_delta_names d on d.tablename = any (c.tables)
where c.sync = any ($1)
group by 1, 2
