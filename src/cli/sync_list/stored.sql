-- Every sync with the databases it writes to, in the byte order of the names.
select s.name, s.synctype, s.status, s.priority,
       case when s.targetdb is not null then array[s.targetdb]
            else array(select m.db from bucardo.dbmap m where m.dbgroup = s.targetgroup order by m.priority, m.db)
       end as targets
from bucardo.sync s
order by s.name collate "C"
