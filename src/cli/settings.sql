-- The general settings whose names match one of the patterns $1. Those called $2 have the defaults $3 as long as nobody set them.
with known (setting, value) as (
    select c.setting, c.value from bucardo.bucardo_config c where c.name is null
    union all
    select n.setting, n.value from unnest($2::text[], $3::text[]) as n (setting, value)
    where not exists (select from bucardo.bucardo_config c where c.name is null and c.setting = n.setting)
)
select setting, value from known where setting ~* any ($1) order by setting collate "C"
