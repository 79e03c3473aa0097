-- A new sync, and one that now connects other things or in another way, must be looked at before it
-- can run. Of a new status the daemon is told, too: it stops or starts the sync.
create function bucardo.validate_sync() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if new.status <> old.status then
            perform pg_notify('bucardo_validate_sync', new.name);
        end if;
        if (new.name, new.source, new.targetdb, new.targetgroup, new.synctype, new.ping)
            is not distinct from (old.name, old.source, old.targetdb, old.targetgroup, old.synctype, old.ping) then
            return null;
        end if;
    end if;
    perform bucardo.request_validation(new.name);
    if tg_op = 'UPDATE' and new.name <> old.name then
        perform pg_notify('bucardo_validate_sync', old.name);
    end if;
    return null;
end
$$;

create trigger validate_sync after insert or update on bucardo.sync
    for each row execute procedure bucardo.validate_sync();

-- The same for people and scripts. The answer says that the request is noted; what came of it
-- appears in bucardo.validation. A request is always carried out in full, so force makes no
-- difference; it is there for those who pass it.
create function bucardo.validate_sync(sync text, force integer) returns text language plpgsql as $$
begin
    if not exists (select 1 from bucardo.sync as s where s.name = validate_sync.sync) then
        raise exception 'No such sync: %', sync;
    end if;
    perform bucardo.request_validation(sync, false);
    return 'MODIFY';
end
$$;

create function bucardo.validate_sync(sync text) returns text language sql as $$
    select bucardo.validate_sync($1, 0)
$$;
