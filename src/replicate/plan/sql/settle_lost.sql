-- A change that lost is none any more for this sync: its line counts as brought by the sync.
update {delta} as d
set origin = '', via = {sync}
from {lost} as l
where {pending}
  and {same_key}
