-- The source's rows with the keys in conflict; null where there is none.
select {keys}, {member}, to_jsonb(t.*)
from {clash} as c
left join {source} as t on {same_key}
