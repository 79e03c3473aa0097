-- Everything that the replicator keeps on a replicated database lives in one schema, so that one
-- DROP SCHEMA removes it and no name of an application is ever taken. Applications need no right on
-- it: the capture triggers are SECURITY DEFINER.
create schema bucardo;
