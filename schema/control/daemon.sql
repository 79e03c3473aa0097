-- Which daemon serves this control database: the session of its master process. It serves as long as this session lives; no other row or lock
-- says so. One row, made with the first daemon.
create table bucardo.daemon (
    id             integer      not null default 1,
    session        integer      not null,
    session_start  timestamptz  not null,
    session_role   oid          not null,
    directory      text         not null,
    host           text         not null,
    pid            integer      not null,
    started        timestamptz  not null default now(),
    constraint daemon_pk primary key (id),
    constraint daemon_one check (id = 1)
);
