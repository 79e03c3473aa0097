-- The lock under which the replicator makes and removes its objects on this database: which session
-- has it. Unlike an advisory lock, only our role can take it; unlike a lock of a row, it outlasts
-- transactions. That of a session which is gone is free.
create table bucardo.bucardo_lock (
  one      boolean      not null default true,
  pid      integer,
  role     oid,
  started  timestamptz,
  constraint bucardo_lock_pk primary key (one),
  constraint bucardo_lock_one check (one)
);
insert into bucardo.bucardo_lock default values;
