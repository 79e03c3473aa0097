-- For which sync or goat a piece of custom code runs, in ascending order of priority.
create table bucardo.customcode_map (
    code     integer     not null,
    sync     text,
    goat     integer,
    active   boolean     not null default true,
    priority smallint    not null default 0,
    cdate    timestamptz not null default now(),
    id       serial      not null,
    constraint customcode_map_pk primary key (id),
    constraint customcode_map_code_fk foreign key (code) references bucardo.customcode (id) on delete cascade,
    constraint customcode_map_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete set null,
    constraint customcode_map_goat_fk foreign key (goat) references bucardo.goat (id) on delete set null,
    constraint customcode_map_syncgoat check (sync is null or goat is null)
);

create unique index customcode_map_unique_sync on bucardo.customcode_map (code, sync) where sync is not null;
create unique index customcode_map_unique_goat on bucardo.customcode_map (code, goat) where goat is not null;
