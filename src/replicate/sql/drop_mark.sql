-- The mark that a crash removes is for tables of syncs; without a sync on this side or the other nobody needs it.
do $$ begin
  if pg_catalog.to_regclass('bucardo.bucardo_track') is null and pg_catalog.to_regclass('bucardo.bucardo_delta_targets') is null then
    drop table if exists bucardo.bucardo_unlogged;
  end if;
end $$
