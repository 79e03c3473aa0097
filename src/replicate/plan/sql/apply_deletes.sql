-- Deletes what is not alive, and what is to be inserted anew.
with gone as (
  delete from {target} as t
  using {stage} as s
  where {same_key}{which}
  returning s.alive{returned}
){kept}
select {count} filter (where alive), {count} filter (where not alive)
from gone
