-- The tables $4 on database $3 are now known to be in the states $5, in the view of sync $1 and
-- target $2.
insert into bucardo.table_state (sync, targetdb, db, goat, state)
select $1, $2, $3, w.goat, w.state
from unnest($4::integer[], $5::text[]) as w (goat, state)
on conflict (sync, targetdb, db, goat) do update set state = excluded.state
