-- What of one generation of a captured table some target of a sync does not have: when each change
-- was made, of at most {most} changes. Below the oldest transaction that any receipt of the sync
-- leaves open, all have everything, and the index on txid is used.
(select d.txntime as made
 from {delta} d
 where d.txid >= (
     select min(coalesce(pg_catalog.txid_snapshot_xmin(c.receipt), 0))
     from bucardo.bucardo_delta_targets c
     where {consumers} and {table}::oid = any (c.tables))
   and exists (
     select from bucardo.bucardo_delta_targets c
     where {consumers} and {table}::oid = any (c.tables)
       and (c.receipt is null or not pg_catalog.txid_visible_in_snapshot(d.txid, c.receipt)))
 limit {most})
