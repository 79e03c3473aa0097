-- Changes that could not be captured: the application's write has passed, and this is what is known
-- of it. One row for each table and transaction. `validate` tells them. Replica identity FULL lets
-- rows be deleted even where a publication covers all tables.
create table bucardo.bucardo_gap (
  tablename  oid          not null,
  txid       bigint       not null default pg_catalog.txid_current(),
  since      timestamptz  not null default now(),
  reason     text         not null
);
create index bucardo_gap_table on bucardo.bucardo_gap (tablename, txid);
alter table bucardo.bucardo_gap replica identity full;
