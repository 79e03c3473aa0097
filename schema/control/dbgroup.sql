-- A name for several databases, so that one sync can have them all as targets.
create table bucardo.dbgroup (
    name  text        not null,
    cdate timestamptz not null default now(),
    constraint dbgroup_name_pk primary key (name),
    constraint dbgroup_name_sane check (name ~ E'^[a-zA-Z]\\w*$')
);
