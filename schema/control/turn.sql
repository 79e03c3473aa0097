-- Rows that are only locked: a transaction that holds one has its turn, and others wait. A lock on
-- a row needs a right on the table; an advisory lock needs none.
create table bucardo.turn (
    what  text  not null,
    constraint turn_pk primary key (what)
);

create function bucardo.take_turn(what text) returns void language plpgsql as $$
begin
    insert into bucardo.turn (what) values (take_turn.what) on conflict do nothing;
    perform from bucardo.turn as t where t.what = take_turn.what for update;
end
$$;
