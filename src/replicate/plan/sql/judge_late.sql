-- Decides between rows of the stage and late changes of the receiver. Rows that shall not be
-- written leave the stage.
with met as (
  select {keys_of_stage}, s.changed, s.origin, s.member, d.here, d.seen, d.txids, s.again or ({kept}) as kept,
         {theirs} as theirs, {ours} as ours, s.again
  from {stage} as s
  join (
    {late_changes}) as d on {same_as_late}
),
gone as (
  delete from {stage} as s
  using met as m
  where {same_as_met}
    and m.kept is not false
)
insert into {late}
select {keys}, changed, origin, member, here, seen, txids, kept, theirs, ours
from met
where not again
