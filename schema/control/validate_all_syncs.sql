-- Asks for a look at every sync, by name; returns their number.
create function bucardo.validate_all_syncs(force integer) returns integer language plpgsql as $$
declare
    sync text;
    syncs integer := 0;
begin
    for sync in select s.name from bucardo.sync as s order by s.name loop
        perform bucardo.validate_sync(sync, force);
        syncs := syncs + 1;
    end loop;
    return syncs;
end
$$;

create function bucardo.validate_all_syncs() returns integer language sql as $$
    select bucardo.validate_all_syncs(0)
$$;
