-- What is left in our schema beside the lock: relations and functions.
select (select count(*)
        from pg_catalog.pg_class c
        where c.relnamespace = 'bucardo'::regnamespace and c.relname not in ('bucardo_lock', 'bucardo_lock_pk'))
     + (select count(*) from pg_catalog.pg_proc where pronamespace = 'bucardo'::regnamespace)
