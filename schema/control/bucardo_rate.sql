-- How long changes took from commit to commit, for syncs with track_rates.
create table bucardo.bucardo_rate (
    sync         text,
    goat         integer,
    target       text,
    mastercommit timestamptz,
    slavecommit  timestamptz,
    total        integer,
    id           bigserial not null,
    constraint bucardo_rate_pk primary key (id)
);

create index bucardo_rate_sync on bucardo.bucardo_rate (sync);
