-- Pairs of rows that claim the same, those of which the second gives way, the rows that do, and
-- what another receiver records of them.
create temporary table {pairs} on commit delete rows as
select {winners}, {losers_keys}, now() as won_at, 0 as won_by, false as won_here, now() as lost_at, 0 as lost_by, false as lost_here,
       false as late, 0::bigint as seen
from {target}
with no data;
create temporary table {losers} on commit delete rows as
select * from {pairs}
with no data;
create temporary table {losing_rows} on commit delete rows as
select {keys}, now() as changed, now() as here, 0 as member, 0 as owner, false as reserve, '{}'::jsonb as details
from {target}
with no data;
create temporary table {recorded} on commit delete rows as
select {keys}, 0 as owner
from {target}
with no data
