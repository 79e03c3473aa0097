-- The receipts of this database as a target: for each sync and source, the snapshot of the source
-- up to which its changes are here. Written in the same transaction as the rows themselves, so that
-- rows and receipt exist together or not at all.
create table if not exists bucardo.bucardo_track (
  sync        text          not null,
  source      text          not null,
  receipt     txid_snapshot,
  received    timestamptz   not null default clock_timestamp(),
  constraint bucardo_track_pk primary key (sync, source)
) with (fillfactor = 50);
