-- Keeps bucardo.newest_run, whoever writes to the queue or the archive. What moves from the one to
-- the other has been noted; to find that out locks nothing.
create function bucardo.note_run() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (select 1 from bucardo.newest_run r
               where r.sync = new.sync and r.bad = (new.aborted is not null) and r.ended > new.ended)
        or not exists (select 1 from bucardo.sync s where s.name = new.sync) then
        return null;
    end if;
    insert into bucardo.newest_run as r (sync, bad, targetdb, updates, inserts, deletes, started, aborted, whydie, ended)
    values (new.sync, new.aborted is not null, (select d.name from bucardo.db d where d.name = new.targetdb),
            new.updates, new.inserts, new.deletes, new.started, new.aborted, new.whydie, new.ended)
    on conflict (sync, bad) do update set
        targetdb = excluded.targetdb, updates = excluded.updates, inserts = excluded.inserts, deletes = excluded.deletes,
        started = excluded.started, aborted = excluded.aborted, whydie = excluded.whydie, ended = excluded.ended
    where r.ended <= excluded.ended;
    return null;
end
$$;

revoke execute on function bucardo.note_run() from public;

create trigger note_run after insert or update of ended on bucardo.q
    for each row when (new.ended is not null) execute procedure bucardo.note_run();
create trigger note_run after insert on freezer.master_q
    for each row when (new.ended is not null) execute procedure bucardo.note_run();
