-- The number of keys in conflict.
select count(*) filter (where conflict)
from (
  select bool_or(conflict) as conflict
  from {result}
  group by {keys}) as keys
