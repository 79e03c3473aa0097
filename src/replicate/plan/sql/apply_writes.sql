-- Writes what is alive.
with written as (
  insert into {target} as w ({filled}) overriding system value
  select {values}
  from {stage} as s
  where s.alive{order}{on_conflict}
  returning {fresh} as fresh
)
select {count} filter (where fresh), {count} filter (where not fresh)
from written
