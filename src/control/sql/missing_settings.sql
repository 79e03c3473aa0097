-- The settings that this version ships and the control database does not have, with the statement that adds each.
select s.setting,
       format('insert into bucardo.bucardo_config (setting, value, about) values (%L, %L, %L)', s.setting, s.value, s.about)
from pg_temp.shipped s
where not exists (select from bucardo.bucardo_config c where c.setting = s.setting and c.name is null)
order by 1
