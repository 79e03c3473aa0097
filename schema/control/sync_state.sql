-- What commands told the daemon about each sync, and why the daemon does not run a sync that it
-- should run.
--
-- paused is since when a sync is paused: until `resume` or `activate`, whatever happens to the
-- daemon meanwhile. asked is what `activate` or `deactivate` said, or `added` for a sync that came
-- while the daemon ran: it goes before sync.status until the daemon is restarted or reloads all
-- syncs. trouble is why the daemon does not run a sync that is on and not paused: `invalid` (it
-- could not be validated), `controller` (its controller fails), `source` (changes on a source
-- cannot be heard); with the reason, since when, and the next try. alarm is what a mail has told.
create table bucardo.sync_state (
    sync      text        not null,
    paused    timestamptz,
    asked     text,
    trouble   text,
    reason    text,
    since     timestamptz,
    next_try  timestamptz,
    alarm     text,
    constraint sync_state_pk primary key (sync),
    constraint sync_state_sync_fk foreign key (sync) references bucardo.sync (name) on update cascade on delete cascade,
    constraint sync_state_asked check (asked in ('activate', 'deactivate', 'added')),
    constraint sync_state_trouble check (trouble in ('invalid', 'controller', 'source'))
) with (fillfactor = 50);
