-- The rows that gave way, as rows of the control database's table of conflicts.
select {head}, {sender}, jsonb_build_object({sender}, changed, {owner}, nullif(here, '-infinity')), jsonb_build_object({owner}, details)
from {losing_rows}
