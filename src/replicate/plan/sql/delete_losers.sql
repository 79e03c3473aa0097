-- Losers of the stage become dead; losers of the receiver's own come into the stage as dead.
insert into {losing_rows}
select {losers_keys}, f.won_at, f.lost_at, f.won_by, f.lost_by, false, to_jsonb(t.*)
from {losers} as f
join {target} as t on {same_as_own}
where f.lost_here;

insert into {losing_rows}
select {losers_keys}, f.won_at, f.lost_at, f.won_by, f.lost_by, true, {staged_row}
from {losers} as f
join {stage} as s on {same_as_staged}
where not f.lost_here
  and not f.late;

-- What a late row beats is recorded with the late ones, for its own master does not know of it.
insert into {late}
select {keys_of_stage}, s.changed, s.origin, s.member, f.won_at,
       coalesce((select max(l.seen) from {late} as l where {same_as_late}), 0), null, true, {staged_row}, null
from {losers} as f
join {stage} as s on {same_as_staged}
where f.late;

update {stage} as s
set alive = false
from {losers} as f
where not f.lost_here
  and {same_as_staged};

insert into {stage} ({keys}, alive, changed, origin, member, again)
select {keys}, false, changed, {to}, {own}, false
from {losing_rows}
where not reserve
