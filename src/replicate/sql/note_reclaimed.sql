-- What each consumer of a table had when everybody was seen to have what is given up now. Receipts
-- only grow, so the latest of them stands for all tables.
update bucardo.bucardo_delta_targets t
set reclaimed = c.value::txid_snapshot
from bucardo.bucardo_delta_names n, jsonb_each_text(n.consumed) c
where n.deltaname = $1 and c.key = t.sync || '/' || t.targetdb and c.value is not null
  and (t.reclaimed is null
       or (txid_snapshot_xmax(c.value::txid_snapshot), - (select count(*) from txid_snapshot_xip(c.value::txid_snapshot)))
        > (txid_snapshot_xmax(t.reclaimed), - (select count(*) from txid_snapshot_xip(t.reclaimed))))
