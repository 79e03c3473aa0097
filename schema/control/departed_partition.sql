-- Partitions that left a table on database db with their rows, without a change of theirs being
-- captured: they were detached or dropped. While other members of the KID have the partition, they
-- differ. That is a gap once it has lasted for a minute, as the partition may be about to leave
-- there, too. Another one may have its name now: it is known by its id (relation; 0 if that was not
-- noted). What the KID noticed in one look at all members, before it carried anything, has the same
-- time there (look).
create table bucardo.departed_partition (
    sync      text        not null,
    targetdb  text        not null,
    db        text        not null,
    goat      integer     not null,
    partition text        not null,
    since     timestamptz not null default clock_timestamp(),
    relation  oid         not null default 0,
    look      timestamptz,
    constraint departed_partition_pk primary key (sync, targetdb, db, goat, partition, relation),
    constraint departed_partition_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete cascade,
    constraint departed_partition_tdb_fk foreign key (targetdb) references bucardo.db (name) on update cascade on delete cascade,
    constraint departed_partition_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade,
    constraint departed_partition_goat_fk foreign key (goat) references bucardo.goat (id) on delete cascade
);
