-- Remembers when the copy that a sync is to make once was asked for. Each target notes for which
-- request it has been filled, so that a copy is made once for each request, whoever dies meanwhile.
create function bucardo.note_copy() returns trigger language plpgsql as $$
begin
    if new.onetimecopy <> 0 then
        new.copy_asked = clock_timestamp();
    end if;
    return new;
end
$$;

create trigger note_copy before insert or update of onetimecopy on bucardo.sync
    for each row execute procedure bucardo.note_copy();
