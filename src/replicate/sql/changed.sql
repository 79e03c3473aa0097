-- One of the relations with the quoted names $1 of which a plan knows something else ($2) than what
-- is so now; null if there is none. The name is looked up as it is at this moment, whatever the
-- transaction's snapshot.
select pg_catalog.min(w.name)
from unnest($1, $2) as w (name, digest)
where w.digest is distinct from
  (select {digest} from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass(w.name))
