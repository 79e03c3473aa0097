-- Ends the jobs of a sync that is about to go, which nobody would end otherwise, and tells the
-- daemon, so that it stops the sync's processes and tidies after it. The channel is that of
-- requests to look at a sync: whoever looks finds it gone.
create function bucardo.sync_gone() returns trigger language plpgsql as $$
begin
    update bucardo.q
    set ended = clock_timestamp(), started = coalesce(started, clock_timestamp()), aborted = coalesce(aborted, clock_timestamp()),
        whydie = coalesce(whydie, 'The sync was removed')
    where sync = old.name and ended is null;
    perform pg_notify('bucardo_validate_sync', old.name);
    return old;
end
$$;

create trigger sync_gone before delete on bucardo.sync for each row execute procedure bucardo.sync_gone();
