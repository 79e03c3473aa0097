-- Tells the daemon that a sync is no more, so that it stops its processes. The channel is that of requests to look at a sync: whoever
-- looks finds it gone.
create function bucardo.sync_gone() returns trigger language plpgsql as $$
begin
    perform pg_notify('bucardo_validate_sync', old.name);
    return null;
end
$$;

create trigger sync_gone after delete on bucardo.sync for each row execute procedure bucardo.sync_gone();
