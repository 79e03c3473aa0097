-- Whether sync $1 exists and has database $2 as a source ($3) or as a target (not $3). The masters
-- of a swap are both.
select exists (
  select from bucardo.sync s
  cross join lateral (
    select exists (select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source and g.db = $2) as first,
           coalesce(s.targetdb = $2, false) as only,
           exists (select from bucardo.dbmap m where m.dbgroup = s.targetgroup and m.db = $2) as member,
           exists (select from bucardo.dbmap m where m.dbgroup = s.targetgroup and m.db = $2 and m.role = 'source') as master) as d
  where s.name = $1 and case
    when s.synctype = 'swap' and $3 then d.first or d.only or d.master
    when s.synctype = 'swap' then d.first or d.only or d.member
    when $3 then d.first
    else d.only or (d.member and not (d.first and d.master)) end)
