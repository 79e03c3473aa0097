-- The rows that a TRUNCATE on the sender removes here.
{target} as t
where not exists (
    select from (
      {own_changes}) as d
    where {same_as_change})
  and not exists (select from {preserved} as p where {same_as_preserved})
  and not exists (select from {stage} as s where {same_as_staged})
