-- Leaves to the others what they record.
delete from {losing_rows} as r
using {recorded} as o
where r.reserve
  and r.owner = o.owner
  and {same_key}
