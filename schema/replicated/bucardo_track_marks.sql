-- Which source gave the receipt: its life and the server's timeline and start (see bucardo_identity), the round's mark (see
-- bucardo_marks), the highest mark of which the source is known to have it on disk, and how far the source's WAL was. accepted: whatever this
-- database lacked when the receipt was accepted has been seen to by a person.
do $$
begin
  if not exists (select from pg_catalog.pg_attribute
                 where attrelid = 'bucardo.bucardo_track'::regclass and attname = 'accepted' and not attisdropped) then
    alter table bucardo.bucardo_track
      add column life text, add column timeline text, add column started text, add column mark bigint, add column sealed bigint,
      add column wal pg_lsn, add column accepted boolean;
  end if;
end
$$;
