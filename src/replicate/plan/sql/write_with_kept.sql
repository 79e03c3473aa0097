-- Inserts what is alive: rows that were there with what they had, and new ones.
with again as (
  insert into {target} ({filled}, {kept}) overriding system value
  select {values}, {kept_values}
  from {stage} as s
  join {keeping} as o on {same_key}
  where s.alive
  returning 1
),
fresh as (
  insert into {target} ({filled}) overriding system value
  select {values}
  from {stage} as s
  where s.alive
    and not exists (select from {keeping} as o where {same_key})
  returning 1
)
select (select {count} from again) operator(pg_catalog.+) (select {count} from fresh), 0
