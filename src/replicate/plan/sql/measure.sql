-- Of the first pending changes: their number, lowest and highest transaction id; and whether a
-- TRUNCATE is pending anywhere.
select count(*), min(txid), max(txid), {truncated}
from (
  select txid
  from ({pending}) as pending
  order by txid
  limit $3) as first
