-- Which of the tables $1, or of their partitions, are filled by subscriptions; which publications
-- are for all tables; and whether transactions can be prepared.
with recursive tree (oid) as (
  select unnest($1::oid[])
  union
  select i.inhrelid
  from tree t
  join pg_catalog.pg_class c on c.oid = t.oid and c.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = t.oid)
select (select string_agg(distinct pg_catalog.format('table %I.%I', n.nspname, c.relname), ', ')
        from tree
        join pg_catalog.pg_subscription_rel s on s.srrelid = tree.oid
        join pg_catalog.pg_class c on c.oid = tree.oid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace),
       (select string_agg(pg_catalog.quote_ident(p.pubname), ', ' order by p.pubname) from pg_catalog.pg_publication p where p.puballtables),
       pg_catalog.current_setting('max_prepared_transactions') <> '0'
