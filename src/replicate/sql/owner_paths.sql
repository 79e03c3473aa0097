-- The owners of the tables $1 and the search_path that their own sessions begin with here, in the
-- order of $1: what was set for the role in this database, for the role, for the database, for all
-- roles; else the server's, unless our own session has another one because of who we are. A table
-- that is missing is left out.
with own as (
  select exists (select from pg_catalog.pg_db_role_setting s
                 cross join lateral pg_catalog.unnest(s.setconfig) as c (setting)
                 where s.setrole = (select r.oid from pg_catalog.pg_roles r where r.rolname = session_user)
                   and c.setting like 'search\_path=%') as ours)
select w.position::integer - 1,
       pg_catalog.pg_get_userbyid(t.relowner)::text,
       coalesce(
         (select pg_catalog.substr(c.setting, 13)
          from pg_catalog.pg_db_role_setting s
          cross join lateral pg_catalog.unnest(s.setconfig) as c (setting)
          where s.setrole in (t.relowner, 0)
            and s.setdatabase in ((select d.oid from pg_catalog.pg_database d where d.datname = current_database()), 0)
            and c.setting like 'search\_path=%'
          order by s.setrole <> 0 desc, s.setdatabase <> 0 desc
          limit 1),
         (select case when own.ours then p.boot_val else p.reset_val end
          from pg_catalog.pg_settings p, own
          where p.name = 'search_path'))
from pg_catalog.unnest($1::text[]) with ordinality as w (name, position)
join pg_catalog.pg_class t on t.oid = to_regclass(w.name)
order by w.position
