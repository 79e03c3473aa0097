-- What came late and lost is no change any more for this sync. Only the changes that were judged:
-- the key may have another one by now.
update {delta} as d
set origin = '', via = {sync}
from {late} as l
where not l.kept
  and d.txid = any (l.txids)
  and {same_key}
  and (d.origin is null or d.via <> {sync})
