-- A herd is replicated in one transaction of its source, so all its goats must be in one database;
-- and none may be in it twice. The herd's row is locked so that two sessions cannot each add half
-- of a contradiction.
create function bucardo.herdcheck() returns trigger language plpgsql as $$
declare
    strangers bigint;
    twins     bigint;
begin
    perform 1 from bucardo.herd where name = new.herd for no key update;

    select count(*) filter (where other.db <> mine.db),
           count(*) filter (where other.schemaname = mine.schemaname and other.tablename = mine.tablename)
      into strangers, twins
      from bucardo.goat as mine, bucardo.herdmap as map
      join bucardo.goat as other on other.id = map.goat
     where mine.id = new.goat and map.herd = new.herd and map.goat <> new.goat;

    if strangers > 0 then
        raise exception 'Cannot have goats from different databases in the same herd (%)', strangers;
    end if;
    if twins > 0 then
        raise exception 'Cannot have two goats of the same name in the same herd (%)', twins;
    end if;
    return null;
end
$$;

create trigger herdcheck after insert or update on bucardo.herdmap for each row execute procedure bucardo.herdcheck();
