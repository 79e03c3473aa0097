-- The tables ($1 = 'r') or sequences ('S') of this database that are not the server's or ours and
-- are meant. $2 and $3 are patterns that the schema must or must not match, $4 and $5 the same for
-- the name; an empty list restricts nothing. $6: each was asked for by its name, so partitions and
-- what belongs to extensions are meant as well. $7 are names of partitioned tables that are not to
-- be taken as one. With each its extension, if it is left out for that; whether it is unlogged;
-- whether it is partitioned and taken as one; if not, why its partitions are there instead; and the
-- names of all its partitions.
--
-- A partitioned table is taken as one where the server can do that and it has a key; its partitions
-- then belong to it, also those that come later.
with recursive
relation as (
  select c.oid, n.nspname, c.relname, c.relkind, c.relispartition, c.relpersistence,
         pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
         (cardinality($2::text[]) = 0 or n.nspname ~ any ($2::text[]))
           and (cardinality($4::text[]) = 0 or c.relname ~ any ($4::text[])) as wanted,
         n.nspname ~ any ($3::text[]) or c.relname ~ any ($5::text[]) as unwanted
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where (c.relkind = ($1::text)::"char" or $1::text = 'r' and c.relkind = 'p')
     and c.relpersistence <> 't'
     and n.nspname <> 'information_schema'
     and n.nspname !~ '^(pg|bucardo)'),
whole as (
  select r.oid, r.name, r.wanted, r.unwanted
    from relation r
   where r.relkind = 'p'
     and current_setting('server_version_num')::integer >= 110000
     and ($6::boolean or exists (
           select from pg_catalog.pg_index i
            where i.indrelid = r.oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null))
     and not pg_catalog.concat(r.nspname, '.', r.relname) = any ($7::text[])),
above (oid, parent) as (
  select i.inhrelid, i.inhparent from pg_catalog.pg_inherits i join relation r on r.oid = i.inhrelid where r.relispartition
  union all
  select a.oid, i.inhparent from above a join pg_catalog.pg_inherits i on i.inhrelid = a.parent)
select r.nspname::text,
       r.relname::text,
       case when not $6::boolean then
         (select e.extname::text
            from pg_catalog.pg_depend d
            join pg_catalog.pg_extension e on e.oid = d.refobjid
           where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = r.oid
             and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.deptype = 'e'
           limit 1)
       end,
       r.relkind = 'r' and r.relpersistence = 'u',
       w.oid is not null,
       r.relkind = 'p' and w.oid is null,
       array(select pg_catalog.concat(p.nspname, '.', p.relname) from above a join relation p on p.oid = a.oid where a.parent = r.oid order by 1)
  from relation r
  left join whole w on w.oid = r.oid
 where r.wanted and not r.unwanted
   and ($6::boolean or not exists (
         select from above a join whole w on w.oid = a.parent where a.oid = r.oid and (w.unwanted or w.wanted)))
 order by 1, 2;
