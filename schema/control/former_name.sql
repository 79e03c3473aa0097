-- Names that databases had when the records of a sync on database `holder` were written: what these
-- call `former` is called `db` now. A row stands until a look at the databases has changed the
-- records; KIDs that serve the holder wait for that. Nothing else may be called `former` meanwhile.
create table bucardo.former_name (
    sync   text not null,
    holder text not null,
    db     text not null,
    former text not null,
    constraint former_name_pk primary key (sync, holder, former),
    constraint former_name_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete cascade,
    constraint former_name_holder_fk foreign key (holder) references bucardo.db (name) on update cascade on delete cascade,
    constraint former_name_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade
);
