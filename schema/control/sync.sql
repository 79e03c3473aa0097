-- The replications themselves: a herd of one database goes to one database or to a group of them,
-- in a certain way. The names of the three ways are not allowed as names of syncs, because commands
-- take both in the same place.
--
-- conflict_strategy decides for goats that have no standard_conflict of their own when several
-- masters have changed a row: bucardo_source, bucardo_target, bucardo_skip, bucardo_random,
-- bucardo_latest, bucardo_latest_all_tables, bucardo_abort, or names of databases in the order in
-- which they win. Null leaves it to the goats.
--
-- capture = always: what is written on the sources while triggers are off is captured, too, as if
-- their databases said so.
create table bucardo.sync (
    name               text        not null,
    source             text        not null,
    targetdb           text,
    targetgroup        text,
    synctype           text        not null,
    stayalive          boolean     not null default true,
    kidsalive          boolean     not null default true,
    usecustomselect    boolean     not null default false,
    copytype           text        not null default 'copy',
    copyextra          text        not null default '',
    deletemethod       text        not null default 'delete',
    limitdbs           smallint    not null default 0,
    ping               boolean     not null default true,
    do_listen          boolean     not null default false,
    checktime          interval,
    status             text        not null default 'active',
    makedelta          boolean     not null default false,
    rebuild_index      smallint    not null default 0,
    priority           smallint    not null default 0,
    txnmode            text        not null default 'REPEATABLE READ',
    analyze_after_copy boolean     not null default true,
    strict_checking    boolean     not null default true,
    overdue            interval    not null default '0 seconds',
    expired            interval    not null default '0 seconds',
    track_rates        boolean     not null default false,
    onetimecopy        smallint    not null default 0,
    lifetime           interval,
    maxkicks           integer     not null default 0,
    cdate              timestamptz not null default now(),
    conflict_strategy  text,
    copy_asked         timestamptz,
    capture            text        not null default 'ordinary',
    constraint sync_name_pk primary key (name),
    constraint sync_source_herd_fk foreign key (source) references bucardo.herd (name) on update cascade on delete restrict,
    constraint sync_targetdb_fk foreign key (targetdb) references bucardo.db (name) on update cascade on delete restrict,
    constraint sync_targetgroup_fk foreign key (targetgroup) references bucardo.dbgroup (name)
        on update cascade on delete restrict,
    constraint sync_name_sane check (
        name ~ E'^[a-zA-Z]\\w*$' and lower(name) not in ('pushdelta', 'fullcopy', 'swap')
    ),
    constraint sync_type check (synctype in ('pushdelta', 'fullcopy', 'swap')),
    constraint sync_copytype check (copytype in ('insert', 'copy')),
    constraint sync_deletemethod check (deletemethod in ('truncate', 'delete', 'truncate_cascade')),
    constraint sync_txnmode check (upper(txnmode) in ('REPEATABLE READ', 'SERIALIZABLE')),
    constraint sync_capture check (capture in ('ordinary', 'always')),
    constraint sync_validtarget check ((targetdb is null) <> (targetgroup is null))
);

create unique index sync_source_targetdb_type on bucardo.sync (source, targetdb, synctype);
create unique index sync_source_targetgroup_type on bucardo.sync (source, targetgroup, synctype);
