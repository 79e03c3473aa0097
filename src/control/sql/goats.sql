-- The members of herd $1, in the order in which they are processed, and whether each joined it and
-- is not carried by sync $2 yet.
select g.id, g.schemaname::text, g.tablename::text, g.reltype = 'table', g.pkey::text, g.ping, g.strict_checking,
       g.pkey is not null and (g.pkey = '' or g.pkeytype <> ''),
       g.makedelta, g.standard_conflict::text,
       g.customselect, g.analyze_after_copy, g.rebuild_index <> 0,
       g.delta_bypass, g.delta_bypass_count, g.delta_bypass_percent::bigint, g.delta_bypass_min,
       exists (select from bucardo.joining j where j.sync = $2 and j.goat = g.id)
from bucardo.herdmap h
join bucardo.goat g on g.id = h.goat
where h.herd = $1 and not g.ghost
order by h.priority desc, g.id
