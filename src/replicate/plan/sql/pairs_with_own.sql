-- Pairs of a row that came and one of the receiver. What is not known to have changed is older than
-- everything. OFFSET 0: claims are joined first.
select {winner}, {loser},
       case when won then changed else here end, case when won then member else owner end, not won,
       case when won then here else changed end, case when won then owner else member end, won,
       seen > 0 and not won, seen
from (
  select met.*, coalesce(d.here, '-infinity') as here, {own} as owner, coalesce(n.seen, 0) as seen, {beats} as won
  from (
    select {staged_keys}, {own_keys}, s.changed, s.member
    from {staged_claims} as s
    join {own_claims} as t on {both_claim}
    where {unstaged}
      and not ({same_key})
    offset 0) as met
  left join (
    {changes_here}) as d on {same_as_change}
  left join (
    {late_changes}) as n on {same_as_late}) as met
