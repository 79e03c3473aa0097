-- The gaps of sync $1 and target $2 that were noticed since the last look: where, and how the table
-- was known before and is known now.
select g.db, g.goat, g.tablename, g.what, g.former, t.state
from bucardo.gap g
join bucardo.table_state t using (sync, targetdb, db, goat)
where g.sync = $1 and g.targetdb = $2 and g.former is not null
