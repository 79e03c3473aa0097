-- Whether a row beats others that is itself beaten by a late one.
select exists (
  select from {pairs} as d
  join {pairs} as o on {beats_others}
  where d.late)
