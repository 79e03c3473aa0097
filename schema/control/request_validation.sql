-- Asks for a look at the databases of a sync: notes the request, forgets the last outcome, and tells the daemon, whose
-- master process listens. The daemon also finds the note if it was not running when it was told.
create function bucardo.request_validation(name text) returns void language plpgsql as $$
begin
    insert into bucardo.validation as v (sync, requested) values (name, clock_timestamp())
        on conflict (sync) do update set requested = clock_timestamp(), validated = null, ok = null, outcome = null;
    perform pg_notify('bucardo_validate_sync', name);
end
$$;
