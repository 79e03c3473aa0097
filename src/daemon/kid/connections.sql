-- How many connections a server has for all but superusers, how many of them are left, and how many
-- sessions other KIDs have there by which they can work: what they have on the control database
-- does not let them. Backends that do other work are counted apart by the server and need no room
-- here.
select c.allowed,
       c.allowed - (select coalesce(sum(numbackends), 0)::bigint from pg_stat_database),
       (select count(*) from pg_stat_activity
        where application_name like 'bucardo kid %' and left(application_name, length($1)) <> $1
          and ($2 or application_name not like '% control'))
from (select current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
             - coalesce(current_setting('reserved_connections', true), '0')::bigint as allowed) c
