-- Asks for a look at the databases of a sync: notes the request, forgets the last outcome if the
-- sync is another now, and tells the daemon, whose master process listens. The daemon also finds
-- the note if it was not running when it was told.
create function bucardo.request_validation(name text, forget boolean default true) returns void language plpgsql as $$
begin
    insert into bucardo.validation as v (sync, requested) values (name, clock_timestamp())
        on conflict (sync) do update set requested = clock_timestamp(), validated = null,
            ok = case when forget then null else v.ok end, outcome = case when forget then null else v.outcome end;
    perform pg_notify('bucardo_validate_sync', name);
end
$$;
