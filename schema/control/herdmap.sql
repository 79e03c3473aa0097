-- Which goats are in which herd. They are handled by descending priority, then by ascending goat
-- id.
create table bucardo.herdmap (
    herd     text        not null,
    goat     integer     not null,
    priority smallint    not null default 0,
    cdate    timestamptz not null default now(),
    id       serial      not null,
    constraint herdmap_pk primary key (id),
    constraint herdmap_herd_fk foreign key (herd) references bucardo.herd (name) on update cascade on delete cascade,
    constraint herdmap_goat_fk foreign key (goat) references bucardo.goat (id) on delete cascade
);

create unique index bucardo_herdmap_unique on bucardo.herdmap (herd, goat);
