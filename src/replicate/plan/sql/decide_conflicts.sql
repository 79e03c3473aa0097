-- One row for each key and master that changed it, where several did.
insert into {result}
with candidates as (  -- the few keys that several masters changed, each with all that is known of it
  select {keys}, array_agg(member) as members, array_agg(missing_from) as missing,
         array_agg(changed) as changes, array_agg(noted) as notes
  from {candidates}
  group by {keys}
  having count(*) > 1
),
changes as (  -- dominated: another master has seen the change and answered it
  select {keys}, m.*,
         exists (
           select from unnest(members, missing) as o (member, missing_from)
           where o.member <> m.member
             and o.missing_from & (1::bigint << m.member) <> 0
             and m.missing_from & (1::bigint << o.member) = 0) as dominated
  from candidates, unnest(members, missing, changes, notes) as m (member, missing_from, changed, noted)
),
ranked as (
  select {keys}, member, changed, dominated, noted,
         count(*) filter (where not dominated) over same as contenders,
         bool_or(not dominated and not noted) over same as real,
         row_number() over (partition by {keys} order by dominated, {order}) as place
  from changes
  window same as (partition by {keys})
)
select {keys}, member, changed, {lost},
       contenders = 0 or bool_or(place > 1 and not dominated and not noted) over (partition by {keys})
from ranked
