-- The daemon's processes, past and present, when the setting audit_pid asks for it.
create table bucardo.audit_pid (
    id             serial      not null,
    parentid       integer,
    familyid       integer,
    type           text        not null,
    sync           text        not null,
    source         text,
    target         text,
    master_backend integer     not null default pg_backend_pid(),
    source_backend integer,
    target_backend integer,
    ppid           integer     not null,
    pid            integer     not null,
    birthdate      timestamptz not null default now(),
    killdate       timestamptz,
    birth          text,
    death          text,
    constraint audit_pid_id primary key (id)
);
