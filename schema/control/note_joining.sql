-- Notes what joins the herd of a sync that has objects on its databases already, and forgets what
-- leaves it. The herd of a sync that was never made is looked at as a whole; and a table that was
-- taken out and put back before anything has looked is carried as if it had stayed. Where KIDs have
-- begun without it in between, its changes of that time are missing. After a look without it, which
-- gives its changes up, it joins anew, and the next look finds that some are missing. status shows it with what was noted of the sync.
create function bucardo.note_joining() returns trigger language plpgsql as $$
declare
    line text;
begin
    select format(E'Warning: %s "%s.%s" is not replicated yet: it was added and not looked at since', g.reltype, g.schemaname, g.tablename)
      into line
      from bucardo.goat g
     where g.id = case when tg_op = 'INSERT' then new.goat else old.goat end;

    if tg_op = 'INSERT' then
        with joined as (
            insert into bucardo.joining (sync, goat)
            select s.name, new.goat
            from bucardo.sync s
            where s.source = new.herd
              and exists (select from bucardo.place p where p.sync = s.name)
              and not exists (
                  select from bucardo.table_state t
                  where t.sync = s.name and t.goat = new.goat and t.state <> 'given up')
            on conflict (sync, goat) do nothing
            returning sync)
        update bucardo.validation v
        set outcome = concat_ws(E'\n', nullif(v.outcome, ''), line)
        from joined
        where v.sync = joined.sync and v.ok;

        with back as (
            delete from bucardo.table_state t
            using bucardo.sync s
            where s.source = new.herd and t.sync = s.name and t.goat = new.goat and t.state = 'left'
            returning t.sync, t.targetdb, t.db)
        insert into bucardo.gap as known (sync, targetdb, db, goat, tablename, what, command)
        select b.sync, b.targetdb, b.db, g.id, g.schemaname || '.' || g.tablename,
               'it was taken out of the herd and put back; what changed meanwhile was not carried',
               format('bucardo_ctl update sync %1$s onetimecopy=1 && bucardo_ctl reload %1$s', b.sync)
        from back b
        join bucardo.goat g on g.id = new.goat and g.db = b.db and g.reltype = 'table'
        on conflict (sync, targetdb, db, goat) do update
        set latest = clock_timestamp(), told = false, what = known.what || '; ' || excluded.what;
    else
        with gone as (
            delete from bucardo.joining j
            using bucardo.sync s
            where s.source = old.herd and j.sync = s.name and j.goat = old.goat
            returning j.sync)
        update bucardo.validation v
        set outcome = array_to_string(array_remove(string_to_array(v.outcome, E'\n'), line), E'\n')
        from gone
        where v.sync = gone.sync and v.ok;
    end if;
    return null;
end
$$;

create trigger note_joining after insert or delete on bucardo.herdmap
    for each row execute procedure bucardo.note_joining();
