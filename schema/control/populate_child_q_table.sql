-- Moves what has arrived in freezer.master_q itself down to the child table of its day, made when
-- first needed. Days are UTC days, and each child says so in a CHECK, so that the planner can leave
-- out the days a reader does not ask for.
--
-- One transaction at a time: two that make the same child would collide.
create function bucardo.populate_child_q_table() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp set datestyle = iso as $$
declare
    day   date;
    child text;
begin
    if not exists (select 1 from only freezer.master_q) then
        return null;
    end if;
    perform bucardo.take_turn('archive');

    for day in select distinct (cdate at time zone 'UTC')::date from only freezer.master_q loop
        child := to_char(day, '"child_q_"YYYYMMDD');
        if to_regclass(format('freezer.%I', child)) is null then
            execute format(
                'create table freezer.%1$I ('
                '    constraint %2$I primary key (id), constraint %3$I check (cdate >= %4$L and cdate < %5$L)'
                ') inherits (freezer.master_q)',
                child, child || '_pk', child || '_day', day || ' 00:00:00+00', (day + 1) || ' 00:00:00+00'
            );
            execute format('create index %I on freezer.%I (cdate)', child || '_daterange', child);
            execute format('grant select on freezer.%I to public', child);
        end if;
        execute format(
            'with down as (delete from only freezer.master_q where (cdate at time zone ''UTC'')::date = %L returning *)'
            ' insert into freezer.%I select * from down',
            day, child
        );
    end loop;
    return null;
end
$$;

revoke execute on function bucardo.populate_child_q_table() from public;

create trigger populate_child_q_table after insert or update on freezer.master_q
    for each statement execute procedure bucardo.populate_child_q_table();
