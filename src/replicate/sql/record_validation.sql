-- What came of a validation. One that could not look ($4 says why) leaves a valid sync valid.
insert into bucardo.validation as v (sync, requested, validated, ok, outcome)
values ($1, clock_timestamp(), clock_timestamp(), $2, $3)
on conflict (sync) do update
set validated = excluded.validated,
    outcome = case when v.ok is true then coalesce($4, excluded.outcome) else excluded.outcome end,
    ok = excluded.ok or ($4 is not null and v.ok is true)
