-- Which databases are in which group; small priorities come first. A member with the role source
-- is, in a sync that has the group as its targets, a further master: what changes there goes to all
-- others, too. Without roles, all members are targets.
create table bucardo.dbmap (
    db       text        not null,
    dbgroup  text        not null,
    priority smallint    not null default 0,
    cdate    timestamptz not null default now(),
    id       serial      not null,
    role     text        not null default 'target',
    constraint dbmap_pk primary key (id),
    constraint dbmap_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade,
    constraint dbmap_dbgroup_fk foreign key (dbgroup) references bucardo.dbgroup (name) on update cascade on delete cascade,
    constraint dbmap_role check (role in ('source', 'target'))
);

create unique index dbmap_unique on bucardo.dbmap (db, dbgroup);
