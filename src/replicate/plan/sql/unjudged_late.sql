-- Whether a key of the stage has come late that was not judged, or once more after it was.
select exists (
  select from {stage} as s
  join (
    {late_changes}) as d on {same_as_late}
  left join {late} as l on {same_as_judged}{losers}
  where d.seen > {seen})
