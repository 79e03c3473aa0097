-- Whose objects these are: the server and the database in which they were made. A dump, a template
-- or pg_upgrade takes this row to another one, where it does not fit. life is a random word,
-- another one whenever the database was accepted as it is (bucardo_ctl accept); receipts of what
-- comes from here name it.
create table if not exists bucardo.bucardo_identity (
  one               boolean     not null default true,
  system_identifier text,
  dboid             oid         not null,
  life              text        not null,
  cdate             timestamptz not null default now(),
  constraint bucardo_identity_pk primary key (one),
  constraint bucardo_identity_one check (one)
);
-- What becomes of receipts that name an earlier life of this database: up to this mark they count
-- as they are; those beyond it name changes that this database does not have, and go on from this
-- snapshot instead.
create table if not exists bucardo.bucardo_accepted (
  life        text        not null,
  sync        text        not null,
  targetdb    text        not null,
  mark        bigint      not null,
  receipt     txid_snapshot,
  cdate       timestamptz not null default now(),
  constraint bucardo_accepted_pk primary key (life, sync, targetdb)
);
