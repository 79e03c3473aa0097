-- Where the rows that are sent arrive.
create temporary table {stage} on commit delete rows as
select {keys}, false as alive{others}{trace}
from {target}
with no data
