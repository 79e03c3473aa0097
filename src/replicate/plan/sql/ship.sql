-- One row for each changed key.
select {keys}, {alive} is not null{others}{trace}
from (
  {changed}) as d
left join {source} as t on {same_key}
