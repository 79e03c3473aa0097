-- Custom codes, with whether they are active everywhere; with patterns $1, only those whose names
-- match one.
select name, about, whenrun, getdbh, getrows, trigrules,
       not exists (select from bucardo.customcode_map m where m.code = c.id and not m.active)
from bucardo.customcode c
where cardinality($1::text[]) = 0 or name ~ any ($1::text[])
order by name
