-- Whether sync $1 exists and has database $2 as its source ($3) or as a target (not $3).
select exists (
  select from bucardo.sync s
  where s.name = $1 and case
    when $3 then exists (select from bucardo.herdmap h join bucardo.goat g on g.id = h.goat where h.herd = s.source and g.db = $2)
    else s.targetdb = $2 or exists (select from bucardo.dbmap m where m.dbgroup = s.targetgroup and m.db = $2) end)
