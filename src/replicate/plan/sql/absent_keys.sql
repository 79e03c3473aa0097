-- The keys on the list that the source has no row of.
select {keys}
from {asked} as a
where not exists (select from {source} as t where {same_key})
