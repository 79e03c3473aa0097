-- The conflicts, as rows of the control database's table.
select {head}, max({name}) filter (where not lost), jsonb_object_agg({name}, changed){details}
from {result} as v
where conflict
group by {keys}
