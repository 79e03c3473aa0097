-- What is left in our schema: relations and functions.
select (select count(*) from pg_catalog.pg_class where relnamespace = 'bucardo'::regnamespace)
     + (select count(*) from pg_catalog.pg_proc where pronamespace = 'bucardo'::regnamespace)
