-- How the tables of a sync were when somebody last compared: for each KID (named by its target) and
-- each database that it serves, which relation had the table's name, and which triggers captured
-- its changes. What is otherwise when the next one compares was not captured in between (table
-- gap). A state of 'left' is that of a table that was taken out of the herd and without which the
-- KID has begun anew since; 'given up' that of a table, or of a database, that did not belong to
-- the sync at the last look, since when nothing is kept for it.
create table bucardo.table_state (
    sync     text    not null,
    targetdb text    not null,
    db       text    not null,
    goat     integer not null,
    state    text    not null,
    constraint table_state_pk primary key (sync, targetdb, db, goat),
    constraint table_state_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete cascade,
    constraint table_state_tdb_fk foreign key (targetdb) references bucardo.db (name) on update cascade on delete cascade,
    constraint table_state_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade,
    constraint table_state_goat_fk foreign key (goat) references bucardo.goat (id) on delete cascade
);
