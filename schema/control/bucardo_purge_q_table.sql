-- Moves jobs that are over from the queue to the archive; returns how many, and says how many
-- remain. Exactly the rows that are archived are deleted, and those that somebody else is just
-- changing are left to the next time: whoever waits while he holds many rows may wait for one who
-- waits for him. An aborted job that still awaits its next try is not over; it is when its sync is
-- gone.
--
-- SECURITY DEFINER, so that a monitoring or cron role needs only the right to execute it, which it
-- must be given.
create or replace function bucardo.bucardo_purge_q_table(age interval) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    moved  bigint;
    remain bigint;
begin
    with gone as (
        delete from bucardo.q where id in (
            select id from bucardo.q
            where cdate <= now() - age and (ended is not null or aborted is not null and sync is null)
            for update skip locked
        )
        returning *
    )
    insert into freezer.master_q select * from gone;
    get diagnostics moved = row_count;

    select count(*) into remain from bucardo.q;
    raise notice 'Rows left in q table: %', remain;
    return moved;
end
$$;

revoke execute on function bucardo.bucardo_purge_q_table(interval) from public;

create or replace function bucardo.bucardo_purge_q_table(age text) returns bigint language sql as $$
    select bucardo.bucardo_purge_q_table($1::interval)
$$;

create or replace function bucardo.bucardo_purge_q_table() returns bigint language sql as $$
    select bucardo.bucardo_purge_q_table('2 hours'::interval)
$$;

-- A bare number would be taken for seconds, where days were meant.
create or replace function bucardo.bucardo_purge_q_table(age integer) returns bigint language plpgsql as $$
begin
    raise exception 'Please give an interval, such as bucardo_purge_q_table(''2 hours'')';
end
$$;
