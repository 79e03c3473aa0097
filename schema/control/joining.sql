-- Tables and sequences that joined the herd of a sync which runs already, and that the sync does
-- not carry yet: it goes on with those that it had until a look at its databases (validate, reload)
-- has found the new ones fit. looked is when the last look took place, outcome why it left one out;
-- both are null before the first look.
create table bucardo.joining (
    sync    text        not null,
    goat    integer     not null,
    cdate   timestamptz not null default now(),
    looked  timestamptz,
    outcome text,
    constraint joining_pk primary key (sync, goat),
    constraint joining_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete cascade,
    constraint joining_goat_fk foreign key (goat) references bucardo.goat (id) on delete cascade
);
