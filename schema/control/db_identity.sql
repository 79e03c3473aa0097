-- What each database was when it was last validated, and whether it has been found to be another
-- one since: restored from a backup, a standby that was promoted too early, a copy. It then stays
-- halted, and with it every sync that it is a member of, until a person has accepted it
-- (bucardo_ctl accept). kind is a word for what was found, reason a sentence, met the life that a
-- receipt named. connections is how many our role may have there at most.
create table bucardo.db_identity (
    db                text        not null,
    system_identifier text,
    dboid             oid,
    life              text,
    halted            timestamptz,
    kind              text,
    reason            text,
    met               text,
    connections       integer,
    cdate             timestamptz not null default now(),
    constraint db_identity_pk primary key (db),
    constraint db_identity_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade,
    constraint db_identity_kind check (kind in ('went back', 'unproven', 'another', 'copy', 'lost', 'set back'))
);
