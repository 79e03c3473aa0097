-- Each key that some receiver lacks, with the set of those receivers as bits.
select {keys}, {member}, bit_or(missing_from), max(changed), bool_and(noted)
from (
  {changed_of_each}) as d
group by {keys}
