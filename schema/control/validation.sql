-- What is known about each sync's fitness: when somebody last asked for a look at its databases,
-- when that look took place, and what came of it. The asking is done here (triggers,
-- validate_sync); the looking by the daemon or the command, because only they can connect to other
-- databases. validated null means the look is still to come. ok is what the last look that was
-- possible told: a database that is away does not make a good sync bad.
create table bucardo.validation (
    sync      text        not null,
    requested timestamptz not null,
    validated timestamptz,
    ok        boolean,
    outcome   text,
    constraint validation_pk primary key (sync),
    constraint validation_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete cascade
);
