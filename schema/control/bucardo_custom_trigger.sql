-- Function bodies by which an administrator replaces the generated delta or kick trigger function
-- of one goat.
create table bucardo.bucardo_custom_trigger (
    id               serial      not null,
    goat             integer     not null,
    trigger_name     text        not null,
    trigger_type     text        not null,
    trigger_language text        not null default 'plpgsql',
    trigger_body     text        not null,
    trigger_level    text        not null,
    status           text        not null default 'active',
    cdate            timestamptz not null default now(),
    constraint bucardo_custom_trigger_id_pk primary key (id),
    constraint bucardo_custom_trigger_goat_fk foreign key (goat) references bucardo.goat (id) on delete cascade,
    constraint type_is_delta_or_trigger check (trigger_type in ('delta', 'triggerkick')),
    constraint level_is_row_statement check (trigger_level in ('ROW', 'STATEMENT'))
);

create unique index bucardo_custom_trigger_goat_type_unique on bucardo.bucardo_custom_trigger (goat, trigger_type);
