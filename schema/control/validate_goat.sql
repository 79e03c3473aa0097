-- Keeps the description of a table's key (pkey, qpkey, pkeytype) honest. It comes from the database
-- that holds the table, brought here by our programs, which say so by the session setting
-- bucardo.validating = 'on'. Everybody else may only
--   * leave it alone: it starts as null ("not looked at yet") and becomes null again when the goat
--     names another table;
--   * wish for a key by setting pkey: kept, with an empty pkeytype until somebody has looked
--     whether there is such a key;
--   * set pkey to null or to the empty text: look again.
create function bucardo.validate_goat() returns trigger language plpgsql as $$
declare
    moved  boolean := true;
    wished boolean := true;
begin
    if new.reltype <> 'table' or current_setting('bucardo.validating', true) = 'on' then
        return new;
    end if;

    if tg_op = 'INSERT' then
        if new.qpkey is not null or new.pkeytype is not null then
            raise exception 'Cannot set qpkey or pkeytype by hand: they are found in the database itself';
        end if;
    else
        if (new.qpkey, new.pkeytype) is distinct from (old.qpkey, old.pkeytype) then
            raise exception 'Cannot set qpkey or pkeytype by hand: they are found in the database itself';
        end if;
        moved := (new.db, new.schemaname, new.tablename, new.reltype)
            is distinct from (old.db, old.schemaname, old.tablename, old.reltype);
        wished := new.pkey is distinct from old.pkey;
    end if;

    if wished then
        new.pkey := nullif(new.pkey, '');
    elsif moved then
        new.pkey := null;
    else
        return new;
    end if;
    new.qpkey := null;
    new.pkeytype := case when new.pkey is not null then '' end;
    return new;
end
$$;

create trigger validate_goat before insert or update on bucardo.goat
    for each row execute procedure bucardo.validate_goat();
