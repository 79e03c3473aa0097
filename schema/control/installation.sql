-- Which installation this is. What it makes on replicated databases carries this id, so that no
-- other one takes it for its own or removes it. One row. system_identifier and dboid are the server
-- and the database in which its daemon began last: as long as that database is there as well,
-- another one with this id is a copy.
create table bucardo.installation (
    id                text        not null,
    cdate             timestamptz not null default now(),
    system_identifier text,
    dboid             oid,
    constraint installation_pk primary key (id)
);

insert into bucardo.installation (id)
values (md5(clock_timestamp()::text || random() || pg_backend_pid() || current_database()));
