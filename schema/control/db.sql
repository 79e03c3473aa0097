-- The databases replication knows, under local names, and how to reach them. A name becomes part of
-- channel names and file names, hence the rule. Passwords are in clear: nobody but the owner may
-- read this table. Where makedelta is set, what any sync brings there is noted for other syncs.
-- Where `capture` is always, triggers of ours on a source fire also for what is written while
-- triggers are off, as by logical replication.
create table bucardo.db (
    name                 text        not null,
    dbhost               text        not null default '',
    dbport               text        not null default '5432',
    dbname               text        not null,
    dbuser               text        not null,
    dbpass               text,
    dbconn               text        not null default '',
    dbservice            text,
    pgpass               text,
    status               text        not null default 'active',
    sourcelimit          smallint    not null default 0,
    targetlimit          smallint    not null default 0,
    server_side_prepares boolean     not null default true,
    cdate                timestamptz not null default now(),
    makedelta            boolean     not null default false,
    capture              text        not null default 'ordinary',
    constraint db_name_pk primary key (name),
    constraint db_name_sane check (name ~ E'^[a-zA-Z]\\w*$'),
    constraint db_status check (status in ('active', 'inactive')),
    constraint db_capture check (capture in ('ordinary', 'always'))
);

create unique index db_dsn_unique on bucardo.db (dbhost, dbport, dbname, dbuser) where name !~ '^bctest';
