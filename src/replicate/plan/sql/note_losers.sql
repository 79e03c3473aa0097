-- Rows that gave way are changes of the receiver's own.
insert into {delta} ({columns}, txntime, via)
select {losers_keys}, greatest(won_at, lost_at), {sync}
from {losers}
