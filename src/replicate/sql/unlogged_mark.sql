-- The mark that a crash of the server removes; a new one if there is none.
with there as (
  select mark from bucardo.bucardo_unlogged limit 1
),
made as (
  insert into bucardo.bucardo_unlogged
  select md5(clock_timestamp()::text || random())
  where not exists (select from there)
  returning mark
)
select mark from there
union all
select mark from made
