-- Locks the rows that are about to be written.
select count(*)
from (
  select 1
  from {target} as t
  join {stage} as s on {same_key}
  for update of t) as held
