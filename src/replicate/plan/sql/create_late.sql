-- Keys that were changed on the receiver after the round's snapshot.
create temporary table {late} on commit delete rows as
select {keys}, changed, origin, member, now() as here, 0::bigint as seen, '{}'::bigint[] as txids, true as kept,
       '{}'::jsonb as theirs, '{}'::jsonb as ours
from {stage}
with no data
