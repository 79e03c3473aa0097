-- The oid of the database and the port of the server.
(select o.oid || '.' || pg_catalog.current_setting('port')
 from pg_catalog.pg_database o
 where o.datname = pg_catalog.current_database())
