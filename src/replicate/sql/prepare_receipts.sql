prepare bucardo_hold (text, text) as
select receipt::text
from bucardo.bucardo_track
where sync = $1 and source = $2
for update;

prepare bucardo_receive (text, text, text, bigint, bigint, pg_lsn) as
update bucardo.bucardo_track
set receipt = $3::txid_snapshot, received = clock_timestamp(), mark = $4, sealed = $5, wal = $6, accepted = null
where sync = $1 and source = $2
