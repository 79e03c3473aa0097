-- A receipt that names life $1 goes on from what this database knew its target to have.
insert into {ours}.bucardo_accepted (life, sync, targetdb, mark, receipt)
select $1, w.sync, w.targetdb, {mark}, t.receipt
from (values ({sync}, {receiver})) as w (sync, targetdb)
left join {ours}.bucardo_delta_targets t using (sync, targetdb)
on conflict (life, sync, targetdb) do nothing
