-- Who still wants the changes of this database: one row per sync and target, with a copy of the
-- receipt that the target holds. The receipt in the target is the truth; this copy may only be
-- older, never newer, and serves two purposes: reclaiming delta rows (never before every consumer
-- has them) and telling how far behind a target is.
create table if not exists bucardo.bucardo_delta_targets (
  sync        text          not null,
  targetdb    text          not null,
  tables      oid[]         not null,
  receipt     txid_snapshot,
  received    timestamptz,
  cdate       timestamptz   not null default now(),
  constraint bucardo_delta_targets_pk primary key (sync, targetdb)
) with (fillfactor = 50);
