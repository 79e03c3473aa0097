-- Forgets partition $5, with the id $7, of table $4 on database $3, in the view of sync $1 and
-- target $2, and the gap $6 of its table with the last one.
with gone as (
  delete from bucardo.departed_partition
  where sync = $1 and targetdb = $2 and db = $3 and goat = $4 and partition = $5 and relation = $7
)
delete from bucardo.gap g
where g.sync = $1 and g.targetdb = $2 and g.db = $3 and g.goat = $4 and g.what = $6
  and not exists (
    select from bucardo.departed_partition d
    where d.sync = $1 and d.targetdb = $2 and d.db = $3 and d.goat = $4 and (d.partition, d.relation) <> ($5, $7))
