-- What came of trying to connect to a database when it was added or changed. The connstring never
-- holds a password.
create table bucardo.db_connlog (
    db         text        not null,
    conndate   timestamptz not null default now(),
    connstring text        not null,
    status     text        not null default 'unknown',
    version    text,
    id         serial      not null,
    constraint db_connlog_pk primary key (id),
    constraint db_connlog_dbid_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade,
    constraint db_connlog_status check (status in ('unknown', 'good', 'down', 'unreachable'))
);
