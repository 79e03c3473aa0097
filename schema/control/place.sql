-- What is where: on which databases a sync has objects of ours, as a source or as a target. Noted
-- before they are made and forgotten when they are removed, and independent of the sync's row: a
-- sync that is deleted, renamed or sent elsewhere by SQL leaves places behind, which the daemon or
-- `validate` tidies. outcome is why that was not possible so far.
create table bucardo.place (
    sync    text        not null,
    db      text        not null,
    side    text        not null,
    outcome text,
    cdate   timestamptz not null default now(),
    constraint place_pk primary key (sync, db, side),
    constraint place_side check (side in ('source', 'target')),
    constraint place_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade
);
