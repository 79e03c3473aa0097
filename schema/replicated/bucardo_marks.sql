-- What a source needs to be recognised. mark is a number that grows with every round that takes
-- something from here: the receipt of that round names it, so a source with a lower one is not the
-- one that gave the receipt. reclaimed is the snapshot that this consumer had when changes were
-- last given up: a consumer whose receipt does not include it may lack some of them. consumed is
-- what each consumer of a table had when everybody was seen to have the generation at rest. (ALTER
-- TABLE takes its lock also where nothing is to be done.)
do $$
begin
  if not exists (select from pg_catalog.pg_attribute
                 where attrelid = 'bucardo.bucardo_delta_targets'::regclass and attname = 'reclaimed' and not attisdropped) then
    alter table bucardo.bucardo_delta_targets add column mark bigint not null default 0, add column reclaimed txid_snapshot;
  end if;
  if not exists (select from pg_catalog.pg_attribute
                 where attrelid = 'bucardo.bucardo_delta_names'::regclass and attname = 'consumed' and not attisdropped) then
    alter table bucardo.bucardo_delta_names add column consumed jsonb;
  end if;
end
$$;
