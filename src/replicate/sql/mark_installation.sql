-- Whose the schema is: that of the installation with id $1 and control database $2, unless another
-- one was there before.
with there as (
  select id from bucardo.bucardo_installation
),
made as (
  insert into bucardo.bucardo_installation (id, control)
  select $1, $2
  where not exists (select from there)
  returning id
)
select id from there
union all
select id from made
