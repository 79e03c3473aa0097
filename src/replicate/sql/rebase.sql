-- In a copy of a database, nothing is known of what any target has.
update bucardo.bucardo_delta_names n
set drained = null, consumed = null, horizon = null,
    tablename = coalesce(to_regclass(format('%I.%I', schemaname, relname)), tablename::regclass)::oid;

update bucardo.bucardo_delta_targets
set receipt = null, reclaimed = null, mark = 0
