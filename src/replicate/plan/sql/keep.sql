-- Keeps what the source does not fill. Without an index on the key there may be several such rows,
-- of which one comes back.
,
kept as (
  insert into {keeping} ({columns})
  select distinct on ({keys}) {columns}
  from gone
  where alive
)
