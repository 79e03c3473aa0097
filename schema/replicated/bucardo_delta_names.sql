-- Which tables of this database are captured, and where their changed keys go. `version` is that of
-- the capture objects: when the program writes them differently, `validate` sees the old number and
-- makes them anew. `drained` is when every consumer was first seen to have all of the generation
-- that is not being written; `horizon` is the highest transaction id whose changes have been given
-- up: a target whose receipt does not see it has been set back further than changes are kept.
create table if not exists bucardo.bucardo_delta_names (
  tablename   oid         not null,
  schemaname  text        not null,
  relname     text        not null,
  deltaname   text        not null,
  keycolumns  text[]      not null,
  version     integer     not null,
  drained     timestamptz,
  horizon     bigint,
  cdate       timestamptz not null default now(),
  constraint bucardo_delta_names_deltaname unique (deltaname)
);
