-- For each transaction with pending changes, when it made them and how many.
select {sync}, {goat}, {to}, txntime, count(*)
from ({pending}) as pending
group by txntime
