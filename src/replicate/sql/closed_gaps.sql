-- Gaps that matter to no consumer any more: all of them have copied the table since.
delete from bucardo.bucardo_gap g
where not exists (
  select from bucardo.bucardo_delta_targets t
  where g.tablename = any (t.tables) and (t.copied is null or not pg_catalog.txid_visible_in_snapshot(g.txid, t.copied)))
