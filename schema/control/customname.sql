-- Names of tables that are called otherwise on the targets: on all, or only on one database, or
-- only for one sync.
create table bucardo.customname (
    id      serial      not null,
    goat    integer     not null,
    newname text        not null,
    db      text,
    sync    text,
    cdate   timestamptz not null default now(),
    constraint customname_id_pk primary key (id),
    constraint customname_goat_fk foreign key (goat) references bucardo.goat (id) on delete cascade,
    constraint customname_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade,
    constraint customname_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete cascade
);

create unique index customname_unique on bucardo.customname (goat, coalesce(db, ''), coalesce(sync, ''));
