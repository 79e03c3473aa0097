-- A letter box: texts put here appear in the daemon's log, which empties the box.
create table bucardo.bucardo_log_message (
    msg   text        not null,
    cdate timestamptz not null default now(),
    id    bigserial   not null,
    constraint bucardo_log_message_pk primary key (id)
);
