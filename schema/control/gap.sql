-- Changes that are known to be missing: a table's changes were not captured on a source, or rows
-- vanished from a target, and so a target may hold other rows than its source. since is when that
-- was first noticed, latest when it was last; what tells what happened on database db, and command
-- evens it out. A row is removed when the table has been copied to the KID's targets. told: the log
-- and a mail have said so. former is how the table was known before the look that noticed it, until
-- a KID has looked at all its databases: only then can be known whether something is missing.
create table bucardo.gap (
    sync      text        not null,
    targetdb  text        not null,
    db        text        not null,
    goat      integer     not null,
    tablename text        not null,
    what      text        not null,
    command   text        not null,
    since     timestamptz not null default clock_timestamp(),
    latest    timestamptz not null default clock_timestamp(),
    told      boolean     not null default false,
    former    text,
    constraint gap_pk primary key (sync, targetdb, db, goat),
    constraint gap_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete cascade,
    constraint gap_tdb_fk foreign key (targetdb) references bucardo.db (name) on update cascade on delete cascade,
    constraint gap_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade,
    constraint gap_goat_fk foreign key (goat) references bucardo.goat (id) on delete cascade
);
