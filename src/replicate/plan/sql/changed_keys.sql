-- Each changed key once.
select {keys}{trace}
from (
  {pending}) as pending
group by {keys}{kept}
