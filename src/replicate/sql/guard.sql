-- An expression over pg_class c, which the statements around it put in: what decides whether a
-- change of the table is captured, and whether the name leads to the table at all. That is,
-- separated by semicolons, the table, its kind, whether a crash empties it or a partition of it, its
-- partitions, and the triggers that capture, each with the transaction that touched it last: one
-- that was off and is on again is not the same.
pg_catalog.concat_ws(';', pg_catalog.concat_ws(' ', 'table', c.oid), pg_catalog.concat_ws(' ', 'kind', c.relkind),
  pg_catalog.concat_ws(' ', 'persistence',
    case when c.relkind = 'p' and exists (
           with recursive tree (oid) as (
             select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent = c.oid
             union all
             select i.inhrelid from tree p join pg_catalog.pg_inherits i on i.inhparent = p.oid)
           select from tree join pg_catalog.pg_class l on l.oid = tree.oid and l.relpersistence = 'u') then 'u'
         else c.relpersistence::text
    end),
  case when c.relkind = 'p' then
    (with recursive tree (oid) as (
       select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent = c.oid
       union all
       select i.inhrelid from tree p join pg_catalog.pg_inherits i on i.inhparent = p.oid)
     select pg_catalog.string_agg(pg_catalog.concat_ws(';', pg_catalog.concat_ws(' ', 'partition', tree.oid),
              (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', 'trigger', t.tgrelid, t.tgname, t.oid, t.xmin, t.tgenabled, t.tgfoid), ';' order by t.tgname)
               from pg_catalog.pg_trigger t
               where t.tgrelid = tree.oid and t.tgname in ({captured}))), ';' order by tree.oid)
     from tree)
  end,
  (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', 'trigger', t.tgrelid, t.tgname, t.oid, t.xmin, t.tgenabled, t.tgfoid), ';' order by t.tgname)
   from pg_catalog.pg_trigger t
   where t.tgrelid = c.oid and t.tgname in ({captured})))
