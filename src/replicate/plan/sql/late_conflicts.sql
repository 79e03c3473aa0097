-- The late keys that were judged, as rows of the control database's table.
select {head}, case when kept then {here} else {sender} end, jsonb_build_object({sender}, changed, {here}, here),
       case when theirs is not null or ours is not null then jsonb_build_object({sender}, theirs, {here}, ours) end
from {late}
where kept is not null
