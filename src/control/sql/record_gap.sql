-- Notes a gap. What a table misses already is not said twice, and what is new is told again.
insert into bucardo.gap as g (sync, targetdb, db, goat, tablename, what, command, former)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (sync, targetdb, db, goat) do update
set latest = clock_timestamp(),
    tablename = excluded.tablename,
    what = case when position(excluded.what in g.what) > 0 then g.what else g.what || '; ' || excluded.what end,
    told = g.told and position(excluded.what in g.what) > 0
