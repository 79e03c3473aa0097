-- What is replicated. Source and target are filled alike, before anything is captured.
create table items (
    id       bigint         primary key,
    customer integer        not null,
    status   text           not null,
    amount   numeric(12, 2) not null,
    note     text           not null,
    created  timestamptz    not null,
    changed  timestamptz
);
insert into items
select i, i::bigint * 7919 % 50000, (array['new', 'paid', 'sent', 'closed'])[1 + i % 4], i % 100000 / 100.0,
       md5(i::text) || ' ' || md5((i + 1)::text) || ' ' || md5((i + 2)::text),
       timestamptz '2024-01-01' + i * interval '7 seconds', null
from generate_series(1, 1000000) as i;
create index on items (customer);

create table accounts (aid integer primary key, balance integer not null, filler char(84) not null);
insert into accounts select i, 0, 'x' from generate_series(1, 200000) as i;

create table single (id bigint primary key, note text not null);
create table marks (id bigint primary key);

-- Changes items: of each hundred changes, 60 updates, 30 inserts and 10 deletes in one transaction;
-- in the last one, a mark. `part` counts these transactions over all calls, so that no row is
-- deleted or inserted twice: every fifth id may be deleted (there are 200,000 of them), the others
-- may be updated.
create procedure change_items(first_part integer, changes integer, mark bigint) language plpgsql as $$
begin
    for part in first_part .. first_part + changes / 100 - 1 loop
        update items set amount = amount + 1, status = 'sent', changed = clock_timestamp()
        where id = any (array(select k / 4 * 5 + k % 4 + 1 from (
            select (part::bigint * 60 + j) * 7919 % 800000 as k from generate_series(0, 59) as j) as picked));
        insert into items
        select 1000001 + part::bigint * 30 + j, j, 'new', j, md5(part::text) || ' ' || md5(j::text), clock_timestamp(), null
        from generate_series(0, 29) as j;
        delete from items
        where id = any (array(select ((part::bigint * 10 + j) * 61 % 200000 + 1) * 5 from generate_series(0, 9) as j));
        if part = first_part + changes / 100 - 1 then
            insert into marks values (mark);
        end if;
        commit;
    end loop;
end
$$;

-- Changes items on one of two masters (side 0 or 1): of each hundred changes, 10 updates of rows
-- that the other side updates as well, 30 updates, 55 inserts and 5 deletes of its own rows in one
-- transaction; in the last one, a mark. No row is changed twice before 10,000 parts are through.
create procedure change_side(side integer, first_part integer, changes integer, mark bigint) language plpgsql as $$
begin
    for part in first_part .. first_part + changes / 100 - 1 loop
        update items set amount = amount + 1 + side, changed = clock_timestamp()
        where id = any (array(select (part::bigint * 10 + j) * 7919 % 100000 * 10 + 10 from generate_series(0, 9) as j));
        update items set amount = amount + 1, status = 'sent', changed = clock_timestamp()
        where id = any (array(select k / 3 * 10 + 1 + side * 3 + k % 3 from (
            select (part::bigint * 30 + j) * 7919 % 300000 as k from generate_series(0, 29) as j) as picked));
        insert into items
        select 1000001 + (part::bigint * 55 + j) * 2 + side, j, 'new', j, md5(part::text) || ' ' || md5(j::text), clock_timestamp(), null
        from generate_series(0, 54) as j;
        delete from items
        where id = any (array(select (part::bigint * 5 + j) * 7919 % 100000 * 10 + 7 + side from generate_series(0, 4) as j));
        if part = first_part + changes / 100 - 1 then
            insert into marks values (mark);
        end if;
        commit;
    end loop;
end
$$;

-- Waits for a mark; false if it does not come in time.
create function arrived(mark bigint, patience interval) returns boolean language plpgsql as $$
begin
    while clock_timestamp() < now() + patience loop
        if exists (select from marks where id = mark) then
            return true;
        end if;
        perform pg_sleep(0.005);
    end loop;
    return false;
end
$$;
