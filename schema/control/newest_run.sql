-- For `status`: of each sync the newest good and the newest bad run, so that asking takes as long
-- whatever the history. Bad is what was aborted.
create table bucardo.newest_run (
    sync      text        not null,
    bad       boolean     not null,
    targetdb  text,
    updates   bigint,
    inserts   bigint,
    deletes   bigint,
    started   timestamptz,
    aborted   timestamptz,
    whydie    text,
    ended     timestamptz not null,
    constraint newest_run_pk primary key (sync, bad),
    constraint newest_run_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete cascade,
    constraint newest_run_tdb_fk foreign key (targetdb) references bucardo.db (name) on update cascade on delete set null
) with (fillfactor = 50);

grant select on bucardo.newest_run to public;
