-- Pairs of rows that came from different masters.
select {winner}, {loser}, o.changed, o.member, false, s.changed, s.member, false, false, 0
from {claims} as s
join {claims} as o on {both_claim}
where s.member <> o.member
  and not ({same_key})
  and {beats}
