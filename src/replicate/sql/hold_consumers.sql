-- Holds the rows of a table's consumers, in an order in which everybody does it.
select from bucardo.bucardo_delta_targets c where $1::oid = any (c.tables) order by c.sync, c.targetdb for update
