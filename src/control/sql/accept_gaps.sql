-- Forgets the gaps of sync $1, of the tables $2 if any are named, and with them the partitions that
-- left.
with accepted as (
  delete from bucardo.gap
  where sync = $1 and (cardinality($2::text[]) = 0 or tablename = any ($2))
  returning *
),
followed as (
  delete from bucardo.departed_partition d
  using accepted a
  where d.sync = a.sync and d.targetdb = a.targetdb and d.db = a.db and d.goat = a.goat
)
select {shown}
from accepted g
order by g.tablename, g.targetdb
