-- What applications and other syncs changed on the receiver, each key once.
select {columns}, max(txntime) as here, count(*) as seen, array_agg(txid) as txids
from (
  {changes}) as p
where truncated is null
group by {columns}
