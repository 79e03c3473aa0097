-- Whether a target has ever had anything of a sync, and the highest transaction whose changes have been given up on its tables.
select t.receipt is not null,
       (select max(n.horizon) from bucardo.bucardo_delta_names n where n.tablename = any (t.tables))
from bucardo.bucardo_delta_targets t
where t.sync = $1 and t.targetdb = $2
