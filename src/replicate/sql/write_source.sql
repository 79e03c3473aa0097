-- The receipt of sync $1 for source $2 belongs to the source's life $3, on timeline $4, by a server
-- that was started at $5. Nothing is written where the receipt says so already, or is locked.
with free as (
  select ctid
  from bucardo.bucardo_track
  where sync = $1
    and source = $2
    and (life, timeline, started) is distinct from ($3, $4, $5)
  for update skip locked),
adopted as (
  update bucardo.bucardo_track
  set life = $3, timeline = $4, started = $5
  where ctid in (select ctid from free))
insert into bucardo.bucardo_track (sync, source, life, timeline, started)
select $1, $2, $3, $4, $5
where not exists (select from bucardo.bucardo_track where sync = $1 and source = $2)
on conflict (sync, source) do nothing
