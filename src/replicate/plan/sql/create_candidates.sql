-- On the coordinator: what each master says of each key that it changed, and who wins.
create temporary table {candidates} on commit delete rows as
select {named_keys}, 0 as member, 0::bigint as missing_from, now() as changed, false as noted
from {target}
with no data;
create temporary table {result} on commit delete rows as
select {named_keys}, 0 as member, now() as changed, false as lost, false as conflict
from {target}
with no data
