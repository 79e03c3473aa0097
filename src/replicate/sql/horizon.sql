-- What a consumer of a sync was last known to have; the highest transaction whose changes have been
-- given up on its tables, and what the consumer had when that was done.
select t.receipt::text,
       (select max(n.horizon) from bucardo.bucardo_delta_names n where n.tablename = any (t.tables)),
       t.reclaimed::text
from bucardo.bucardo_delta_targets t
where t.sync = $1 and t.targetdb = $2
