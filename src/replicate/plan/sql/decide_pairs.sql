-- Each row that is beaten by none wins all its pairs.
with fell as (
  select distinct on ({losers_keys}) *
  from {pairs} as d
  where not exists (select from {pairs} as o where {beaten})
  order by {losers_keys}, won_at desc, won_by
),
gone as (
  delete from {pairs} as d
  using fell as o
  where ({beaten})
     or ({same_loser})
)
insert into {losers}
select *
from fell
