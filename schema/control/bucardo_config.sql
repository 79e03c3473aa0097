-- The settings, one row each; a row with type and name overrides a setting for one sync (or goat).
-- The key column comes last: the others are the ones scripts have always written to.
create table bucardo.bucardo_config (
    setting text        not null,
    value   text        not null,
    about   text,
    type    text,
    name    text,
    cdate   timestamptz not null default now(),
    id      serial      not null,
    constraint bucardo_config_pk primary key (id),
    constraint valid_config_type check (type in ('sync', 'goat'))
);

create unique index bucardo_config_unique on bucardo.bucardo_config (setting) where name is null;
create unique index bucardo_config_unique_name on bucardo.bucardo_config (setting, name, type) where name is not null;
