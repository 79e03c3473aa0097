-- What could not be captured of the tables of sync $1 and matters to those of the targets $2 that
-- have not copied the tables since. For each table since when, and why.
select coalesce(n.label, 'id ' || g.tablename),
       pg_catalog.to_char(min(g.since), 'YYYY-MM-DD HH24:MI:SS TZ'),
       string_agg(distinct g.reason, '; ')
from bucardo.bucardo_gap g
left join (select tablename, min(schemaname || '.' || relname) as label from bucardo.bucardo_delta_names group by tablename) n
  on n.tablename = g.tablename
where exists (
  select from bucardo.bucardo_delta_targets t
  where t.sync = $1 and t.targetdb = any ($2) and g.tablename = any (t.tables)
    and (t.copied is null or not pg_catalog.txid_visible_in_snapshot(g.txid, t.copied)))
group by 1
order by 1
