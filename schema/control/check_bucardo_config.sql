-- Settings are found by their lower-case name; an override needs both a type and a name.
create function bucardo.check_bucardo_config() returns trigger language plpgsql as $$
begin
    new.setting := lower(new.setting);
    if new.setting in ('sync', 'goat') then
        raise exception 'Invalid setting name "%": it is the type of an override', new.setting;
    end if;
    if new.type is not null and new.name is null then
        raise exception 'The setting "%" has a type: please give the name of the % as well', new.setting, new.type;
    end if;
    if new.name is not null and new.type is null then
        raise exception 'The setting "%" has a name: please give the type (sync or goat) as well', new.setting;
    end if;
    return new;
end
$$;

create trigger check_bucardo_config before insert or update on bucardo.bucardo_config
    for each row execute procedure bucardo.check_bucardo_config();
