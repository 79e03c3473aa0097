-- An expression over pg_class c, as a part of digest.sql: the partitions of a partitioned table,
-- and their triggers. Null for other tables.
case when c.relkind = 'p' then
  (with recursive tree (oid) as (
     select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent = c.oid
     union all
     select i.inhrelid from tree p join pg_catalog.pg_inherits i on i.inhparent = p.oid)
   select pg_catalog.string_agg(pg_catalog.concat_ws(' ', tree.oid,
            array(select t.xmin from pg_catalog.pg_trigger t
                  where t.tgrelid = tree.oid and t.tgname not like 'bucardo_triggerkick%' order by t.tgname)), ',' order by tree.oid)
   from tree)
end
