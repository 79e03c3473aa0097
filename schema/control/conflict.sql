-- The record of conflicts: a row that several masters changed before they knew of one another, and
-- who won. key is the row's key as text, its parts joined by "|"; changes says for each database
-- when the row was changed there ({"A": "2026-11-23 02:30:00+00"}); details, if they are wanted, is
-- what was lost. The daemon writes it, and forgets it after a month. A record outlives its sync.
create table bucardo.conflict (
    id         bigserial   not null,
    sync       text        not null,
    schemaname text        not null,
    tablename  text        not null,
    key        text        not null,
    strategy   text        not null,
    winner     text,
    changes    jsonb       not null default '{}',
    details    jsonb,
    cdate      timestamptz not null default now(),
    constraint conflict_pk primary key (id)
);

create index conflict_sync on bucardo.conflict (sync, cdate);
create index conflict_cdate on bucardo.conflict (cdate);
