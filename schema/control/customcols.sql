-- What is selected from a table instead of all its columns: for all targets, or only for one
-- database, or only for one sync.
create table bucardo.customcols (
    id     serial      not null,
    goat   integer     not null,
    clause text        not null,
    db     text,
    sync   text,
    cdate  timestamptz not null default now(),
    constraint customcols_id_pk primary key (id),
    constraint customcols_goat_fk foreign key (goat) references bucardo.goat (id) on delete cascade,
    constraint customcols_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade,
    constraint customcols_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete cascade
);

create unique index customcols_unique on bucardo.customcols (goat, coalesce(db, ''), coalesce(sync, ''));
