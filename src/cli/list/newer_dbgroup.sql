-- Groups of databases with their members and roles; with patterns $1, only those whose names match
-- one.
select g.name,
       array(select m.db || ':' || m.role
             from bucardo.dbmap m
             where m.dbgroup = g.name
             order by m.priority, m.role, m.db) as members
from bucardo.dbgroup g
where cardinality($1::text[]) = 0 or g.name ~ any ($1::text[])
order by g.name
