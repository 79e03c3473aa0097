-- More changes, of the table that there is only where the server has citext.
insert into member (login, nick) values ('Someone' || {1000}, 'x') on conflict (login) do update set nick = upper(member.nick)
insert into member select 'C' || customer_id, first_name, customer_id from customer where customer_id % 20 = {20} - 1 on conflict do nothing
update member set login = upper(login) where customer_id % 3 = {3} - 1
update member set login = lower(login), nick = null where customer_id % 3 = {3} - 1
update member set login = login || '_' where customer_id % 9 = {9} - 1
delete from member where customer_id % 11 = {11} - 1
