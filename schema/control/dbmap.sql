-- Which databases are in which group; small priorities come first.
create table bucardo.dbmap (
    db       text        not null,
    dbgroup  text        not null,
    priority smallint    not null default 0,
    cdate    timestamptz not null default now(),
    id       serial      not null,
    constraint dbmap_pk primary key (id),
    constraint dbmap_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete cascade,
    constraint dbmap_dbgroup_fk foreign key (dbgroup) references bucardo.dbgroup (name) on update cascade on delete cascade
);

create unique index dbmap_unique on bucardo.dbmap (db, dbgroup);
