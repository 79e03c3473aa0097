-- Whether a trigger of ours, named $2 (on a partitioned table, with its id), does not fire always
-- on a table of sync $1 that our role owns.
select exists (
  select from bucardo.bucardo_delta_targets d
  cross join lateral unnest(d.tables) as w (oid)
  join pg_catalog.pg_class c on c.oid = w.oid and pg_catalog.pg_has_role(c.relowner, 'usage')
  join pg_catalog.pg_trigger t on t.tgrelid = w.oid and t.tgenabled = 'O'
    and t.tgname = $2::text || case c.relkind when 'p' then '_p' || c.oid else '' end
  where d.sync = $1::text)
