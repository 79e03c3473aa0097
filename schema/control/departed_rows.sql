-- Rows that have left a table on database db without a change of theirs being captured: a partition was detached or dropped. condition holds for
-- these rows; while other members of the KID have any, they differ. That is a gap once it has lasted for a minute, as the same partition may
-- be about to leave there, too. digest is that of the condition, which may be too long for an index.
create table bucardo.departed_rows (
    sync      text        not null,
    targetdb  text        not null,
    db        text        not null,
    goat      integer     not null,
    condition text        not null,
    digest    text        not null,
    since     timestamptz not null default clock_timestamp(),
    constraint departed_rows_pk primary key (sync, targetdb, db, goat, digest),
    constraint departed_rows_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete cascade,
    constraint departed_rows_tdb_fk foreign key (targetdb) references bucardo.db (name) on update cascade on delete cascade,
    constraint departed_rows_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade,
    constraint departed_rows_goat_fk foreign key (goat) references bucardo.goat (id) on delete cascade
);
