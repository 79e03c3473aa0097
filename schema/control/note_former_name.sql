-- On the replicated databases, the records of syncs name the databases: whose receipt, whose
-- changes. When a database gets another name, that is noted for each database with such records,
-- and a look at them is asked for. Lists of databases in the order in which they win follow at
-- once. (Before it, what refers to the name has followed.)
create function bucardo.note_former_name() returns trigger language plpgsql as $$
declare
    word text := format(E'\\m%s\\M', old.name);
begin
    insert into bucardo.former_name (sync, holder, db, former)
    select distinct s.name, h.db, new.name, old.name
    from bucardo.place p
    join bucardo.place h on h.sync = p.sync
    join bucardo.sync s on s.name = p.sync
    where p.db = new.name
    on conflict (sync, holder, former) do nothing;
    update bucardo.sync
    set conflict_strategy = regexp_replace(conflict_strategy, word, new.name, 'g')
    where conflict_strategy ~ word;
    update bucardo.goat
    set standard_conflict = regexp_replace(standard_conflict, word, new.name, 'g')
    where standard_conflict ~ word;
    perform bucardo.request_validation(f.sync, false)
    from (select distinct sync from bucardo.former_name where db = new.name) f;
    return null;
end
$$;

create trigger note_former_name after update of name on bucardo.db
    for each row when (new.name <> old.name) execute procedure bucardo.note_former_name();

-- What a name stands for in records must not become something else.
create function bucardo.check_former_name() returns trigger language plpgsql as $$
declare
    holder text;
begin
    select f.sync into holder from bucardo.former_name f where f.former = new.name limit 1;
    if holder is not null then
        raise exception 'the name "%" is still in records of sync "%"', new.name, holder
            using hint = format('Run: bucardo_ctl validate %s; then try again.', holder);
    end if;
    return new;
end
$$;

create trigger check_former_name before insert or update of name on bucardo.db
    for each row execute procedure bucardo.check_former_name();
