-- One row for each statement that an upgrade of this schema has executed.
create table bucardo.upgrade_log (
    action  text,
    summary text,
    version text,
    cdate   timestamptz not null default now(),
    id      serial      not null,
    constraint upgrade_log_pk primary key (id)
);
