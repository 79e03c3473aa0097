-- Everything live is in this schema: what is configured, what is waiting, what is running. It may
-- be there already, because replicated databases have a schema of this name too, and one of them
-- may become the control database.
create schema if not exists bucardo;
