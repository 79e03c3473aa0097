-- copied: for which request the tables were last copied as a whole (onetimecopy). The rest says
-- which source gave the receipt: its life and the server's timeline and start (see
-- bucardo_identity), the round's mark (see bucardo_marks), the highest mark of which the source is
-- known to have it on disk, and how far the source's WAL was. accepted: whatever this database
-- lacked when the receipt was accepted has been seen to by a person. (ALTER TABLE takes its lock
-- also where nothing is to be done: it would wait for a round, and every session of a KID would
-- wait behind it.)
do $$
begin
  if not exists (select from pg_catalog.pg_attribute
                 where attrelid = 'bucardo.bucardo_track'::regclass and attname = 'copied' and not attisdropped) then
    alter table bucardo.bucardo_track add column copied text;
  end if;
  if not exists (select from pg_catalog.pg_attribute
                 where attrelid = 'bucardo.bucardo_track'::regclass and attname = 'accepted' and not attisdropped) then
    alter table bucardo.bucardo_track
      add column life text, add column timeline text, add column started text, add column mark bigint, add column sealed bigint,
      add column wal pg_lsn, add column accepted boolean;
  end if;
end
$$;
