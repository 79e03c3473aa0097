-- A table is known by its id, whatever it is called today, and has a second row while its key
-- changes: from transaction `since` on, the new delta tables hold all changes. When every consumer
-- reads the new ones (`bucardo_delta_targets.since`), the old ones are not written any more
-- (`retired`), and are dropped a while later. Of the key's columns: their numbers, which a renaming
-- leaves as they are; the types that are stored, with a collation where it decides what is equal;
-- the ids of all types that can be stored so; the operators that compare them; and whether equal
-- keys are always identical.
alter table bucardo.bucardo_delta_names
  drop constraint if exists bucardo_delta_names_pk,
  drop constraint if exists bucardo_delta_names_deltaname,
  add constraint bucardo_delta_names_pk primary key (deltaname),
  add column if not exists keynumbers  smallint[],
  add column if not exists keytypes    text[],
  add column if not exists keyfamilies text[],
  add column if not exists keyequals   text[],
  add column if not exists keyexact    boolean,
  add column if not exists since       bigint,
  add column if not exists retired     timestamptz;
create index if not exists bucardo_delta_names_table on bucardo.bucardo_delta_names (tablename);
create index if not exists bucardo_delta_names_since on bucardo.bucardo_delta_names (tablename) where since is not null;
-- `always`: this consumer wants also what is written while triggers are off. `copied`: the snapshot
-- by which a consumer has copied all tables as a whole; gaps that it sees do not matter to him.
alter table bucardo.bucardo_delta_targets
  add column if not exists since   bigint,
  add column if not exists copied  txid_snapshot,
  add column if not exists always  boolean not null default false;
