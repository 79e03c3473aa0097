-- Everything live is in this schema: what is configured, what is waiting, what is running. Its presence means "Bucardo is
-- installed here".
create schema bucardo;
