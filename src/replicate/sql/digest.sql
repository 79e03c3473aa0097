-- An expression over pg_class c, which the statements around it put in: a digest of all that a plan
-- for the table rests on. It is asked in each round, so it does not spell out what there is: the
-- rows of the catalog that describe columns, triggers (foreign keys in both directions have some)
-- and rules are not the same when another transaction wrote them. Indexes have other ids. Triggers
-- that only wake a sync matter to no plan. Where there can be no partitions, the place for them
-- stays empty: to have it there would take as long as to ask for the columns.
pg_catalog.md5(pg_catalog.concat_ws('|', c.oid, c.relkind, c.relpersistence, c.relispartition,
  array(select a.xmin from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 order by a.attnum),
  array(select i.indexrelid from pg_catalog.pg_index i
        where i.indrelid = c.oid and i.indisvalid and (i.indisunique or i.indisexclusion) order by i.indexrelid),
  array(select t.xmin from pg_catalog.pg_trigger t
        where t.tgrelid = c.oid and t.tgname not like 'bucardo_triggerkick%' order by t.tgname),
  case when c.relhasrules then
    array(select r.xmin from pg_catalog.pg_rewrite r where r.ev_class = c.oid order by r.rulename)
  end
  {partitions}))
