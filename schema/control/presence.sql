-- The daemon that serves this control database, written by its master process (MCP) each time it
-- begins to serve. One row, or none.
--
-- backend, backend_start and role are its session here: as long as that session is there, the
-- daemon serves, and no other begins; only roles that may write the control schema can write this
-- row (an advisory lock can be taken by any role). directory tells its piddir from all others,
-- under whatever name and on whatever machine. host, boot (the kernel's id of the machine's present
-- boot), pid and ticks (when the process began, in the kernel's own count) tell its process from
-- all others, on all machines, so that a command on the same machine can signal it whatever
-- happened to piddir. ended is when it left in good order. A start that is under way is waited for
-- until the time in awaited. instance is the database's oid and the server's port: a row that came
-- along with a copy of the database speaks of the daemon of another one, and does not count.
create table bucardo.presence (
    single        boolean     not null default true,
    host          text        not null default '',
    boot          text        not null default '',
    pid           integer     not null default 0,
    ticks         bigint      not null default 0,
    piddir        text        not null default '',
    directory     text        not null default '',
    backend       integer     not null default 0,
    backend_start timestamptz,
    role          oid,
    started       timestamptz not null default now(),
    ended         timestamptz,
    awaited       timestamptz,
    instance      text        not null default '',
    constraint presence_pk primary key (single),
    constraint presence_single check (single)
);
