-- A name for the goats of one database that are replicated together, in the same transactions. Any
-- name will do.
create table bucardo.herd (
    name  text        not null,
    cdate timestamptz not null default now(),
    constraint herd_name_pk primary key (name)
);
