-- Notes what database $1 is halted for. What was noted first stays: a person has to answer it.
insert into bucardo.db_identity as i (db, halted, kind, reason, met)
values ($1, clock_timestamp(), $2, $3, $4)
on conflict (db) do update
set halted = excluded.halted, kind = excluded.kind, reason = excluded.reason, met = excluded.met
where i.halted is null
