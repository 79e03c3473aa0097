-- Goats that are known but not replicated, each with the reason.
create function bucardo.find_unused_goats() returns setof text language sql stable as $$
    select case
            when not used.herd then 'Not in any herd: '
            when not used.sync then 'Not in a herd used by any sync: '
            else 'Not in a herd used by an active sync: '
        end || g.db || '.' || g.schemaname || '.' || g.tablename
      from bucardo.goat as g
      cross join lateral (
        select count(m.herd) > 0 as herd, count(s.name) > 0 as sync, coalesce(bool_or(s.status = 'active'), false) as active
          from bucardo.herdmap as m
          left join bucardo.sync as s on s.source = m.herd
         where m.goat = g.id
      ) as used
     where not used.active
     order by 1
$$;
