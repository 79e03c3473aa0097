-- Whether a trigger of ours, named $2, does not fire always on a table of sync $1 that our role owns.
select exists (
  select from bucardo.bucardo_delta_targets d
  cross join lateral unnest(d.tables) as w (oid)
  join pg_catalog.pg_trigger t on t.tgrelid = w.oid and t.tgname = $2::text and t.tgenabled = 'O'
  join pg_catalog.pg_class c on c.oid = w.oid and pg_catalog.pg_has_role(c.relowner, 'usage')
  where d.sync = $1::text)
