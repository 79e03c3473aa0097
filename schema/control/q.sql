-- The queue: one row for each job, that is one run of a sync to one of its targets. Waiting
-- (started null), running, ended, or aborted; ended and aborted both set is "bad". Only one job of
-- a sync and target can wait at a time.
--
-- id grows with every job and every kick (a kick takes a number from its sequence): a job with a
-- higher number than a kick was made after it. heartbeat is renewed by the kid at work, and of a
-- job that waits, it is when a server had no connection left for it; retry_at is when an aborted
-- job will be tried again.
create table bucardo.q (
    sync      text,
    sourcedb  text,
    targetdb  text,
    ppid      integer     not null,
    pid       integer,
    synctype  text,
    updates   bigint,
    inserts   bigint,
    deletes   bigint,
    started   timestamptz,
    aborted   timestamptz,
    whydie    text,
    ended     timestamptz,
    cdate     timestamptz not null default now(),
    id        bigserial   not null,
    heartbeat timestamptz,
    retry_at  timestamptz,
    progress  text,
    constraint q_pk primary key (id),
    constraint q_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete set null,
    constraint q_sdb_fk foreign key (sourcedb) references bucardo.db (name) on update cascade on delete set null,
    constraint q_tdb_fk foreign key (targetdb) references bucardo.db (name) on update cascade on delete set null
);

create unique index q_unique on bucardo.q (sync, sourcedb, targetdb) where started is null;
create index q_ppid on bucardo.q (ppid, pid) where ended is null and aborted is null;
create index q_aborted on bucardo.q (sync) where started is not null and aborted is not null and ended is null;
create index q_cleanup on bucardo.q (cdate) where ended is not null or aborted is not null;
create index q_stathelper on bucardo.q (cdate, sync) where ended is not null;
