-- A database that was added or changed is tried out, and what came of it goes to db_connlog. Only a
-- program can connect to it: one of ours that has just done so says so by the session setting
-- bucardo.validating = 'on'; for everybody else the daemon does it. Its syncs are told of a new
-- status; before they serve a target that is active again, their databases are looked at.
create function bucardo.db_change() returns trigger language plpgsql as $$
begin
    if new.status <> 'inactive' and current_setting('bucardo.validating', true) is distinct from 'on' then
        perform pg_notify('bucardo_check_db', new.name);
    end if;
    if tg_op = 'UPDATE' and new.status <> old.status then
        perform case when new.status = 'active' and w.is_target then bucardo.request_validation(w.name, false)
                     else pg_notify('bucardo_validate_sync', w.name) end
        from (select s.name,
                     s.targetdb is not distinct from new.name
                       or exists (select 1 from bucardo.dbmap m where m.dbgroup = s.targetgroup and m.db = new.name) as is_target,
                     exists (select 1 from bucardo.herdmap h join bucardo.goat g on g.id = h.goat
                             where h.herd = s.source and g.db = new.name) as is_source
              from bucardo.sync s) w
        where w.is_target or w.is_source;
    end if;
    return null;
end
$$;

create trigger db_change after insert or update on bucardo.db for each row execute procedure bucardo.db_change();

-- The same for people and scripts.
create function bucardo.db_testconn(name text) returns text language plpgsql as $$
begin
    if not exists (select 1 from bucardo.db where db.name = db_testconn.name) then
        raise exception 'No such database: %', name;
    end if;
    perform pg_notify('bucardo_check_db', name);
    return 'The daemon tries to connect; the outcome will be in bucardo.db_connlog';
end
$$;
