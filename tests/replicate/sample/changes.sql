-- One change a line; {9} stands for a random number from 1 to 9. Each is tried alone, then many of
-- them together, in any order.
insert into language (name) values ('Language ' || {100000000})
update language set name = left('Tongue ' || {100000000}, 20) where language_id = {6}
delete from language l where not exists (select from film where l.language_id in (language_id, original_language_id))
update category set name = 'Kind ' || {99} where category_id = {16}
update category set category_id = category_id + 100 * {3} where category_id = {16}
insert into country (country) values ('New ' || {1000})
update country set country_id = country_id + 1000 where country_id = {20}
delete from country c where not exists (select from city where country_id = c.country_id) and country_id % 3 = {3} - 1
insert into city (city, country_id) select 'Newtown ' || {1000}, country_id from country order by random() limit {3}
update city set city = city || '!', country_id = country_id where city_id between {60} and {60}
insert into city overriding system value select max(city_id) + {100}, 'Own number', min(country_id) from city
update address set address2 = nullif(address2, ''), phone = phone || {9} where address_id % 20 = {20} - 1
update address set district = E'tab\there \\ "quoted" ''single'' \\N' where address_id = {160}
insert into address (address, district, city_id, phone) select 'New Street', '', city_id, '' from city where city_id = {60}
insert into actor (first_name, last_name) values ('Zoë', 'O''Hara'), ('名', '姓'), ('😀', '')
update actor set actor_id = actor_id + 100000 where actor_id = {100}
update actor set last_name = upper(last_name) where actor_id % 10 = {10} - 1
delete from actor where actor_id = {100}
insert into film (title, description, language_id, rating, fulltext) values ('Return of the Film ' || {1000}, null, {6}, 'NC-17', 'by:1 hand:2')
update film set description = description || ' (' || {1000} || ')' where film_id between {300} and {300}
update film set rating = case rating when 'G' then 'R' else 'G' end::rating, special_features = special_features || array['Extra', null] where film_id % 50 = {50} - 1
update film set special_features = '[5:6]={a,b}', poster = poster || '\x00ff', release_year = null where film_id = {300}
update film set rental_rate = rental_rate + 0.01, replacement_cost = 99.90 where length > 40 + {150}
update film set film_id = film_id + 5000 where not exists (select from inventory i where i.film_id = film.film_id) and not exists (select from film_actor a where a.film_id = film.film_id)
delete from film where film_id = {300}
insert into film_actor (actor_id, film_id) select actor_id, film_id from actor, film order by random() limit {20} on conflict do nothing
delete from film_actor where film_id = {300}
update film_actor set film_id = film_id + 1 where actor_id = {100} and not exists (select from film_actor o where o.actor_id = film_actor.actor_id and o.film_id = film_actor.film_id + 1)
insert into film_category select film_id, category_id from film, category order by random() limit {20} on conflict (film_id, category_id) do update set category_id = excluded.category_id
delete from film_category where film_id % 60 = {60} - 1
update store set address_id = {160} where store_id = {2}
update store set manager_id = -manager_id; update store set manager_id = 3 + manager_id where manager_id < 0
update staff set picture = decode(md5(random()::text), 'hex'), password = null, active = not active where staff_id = {4}
insert into staff (first_name, last_name, store_id, username) values ('New', 'Staff', {2}, 'u' || {100000})
delete from staff s where staff_id > 4 and not exists (select from store where manager_id = staff_id) and {3} = 1
insert into customer (store_id, first_name, last_name, email, address_id) values ({2}, 'New', 'Customer', 'n' || {100000000} || '@customer.test', {160})
update customer set email = case email when (select min(email) from customer) then null else email end where activebool
update customer set customer_id = customer_id + 100000 where customer_id = 993 + 7 * {150}
update customer set activebool = not activebool, create_date = create_date + {9} where customer_id % 30 = {30} - 1
update active_customer set last_name = 'Through a view' where customer_id = 993 + 7 * {150}
delete from customer where customer_id = 993 + 7 * {150}
with pair as (select min(customer_id) a, max(customer_id) b from customer), x as (delete from customer where customer_id = (select a from pair) returning *) insert into customer select (select b from pair) + {1000}, store_id, first_name, last_name, 'moved' || {100000000}, address_id, activebool, create_date from x
insert into inventory (film_id, store_id) select film_id, {2} from film where film_id % 40 = {40} - 1
update inventory set store_id = 3 - store_id where inventory_id % 25 = {25} - 1
delete from inventory where inventory_id = {600}
insert into rental (rental_period, inventory_id, customer_id, staff_id) select tstzrange(now() + {1000000} * interval '1 min', null), inventory_id, (select min(customer_id) from customer), {4} from inventory where inventory_id = {600}
update rental set rental_period = tstzrange(lower(rental_period), coalesce(upper(rental_period), lower(rental_period) + interval '3 days')) where rental_id % 40 = {40} - 1
update rental set rental_period = 'empty' where rental_id = {600}
delete from rental where rental_id % 90 = {90} - 1
insert into payment (customer_id, staff_id, amount, payment_date) select min(customer_id), {4}, {99999} / 100.0, '2024-01-01 00:00+00'::timestamptz + {129600} * interval '1 min' from customer
update payment set amount = -amount where payment_id % 30 = {30} - 1
update payment set payment_date = date_trunc('month', payment_date) + interval '12 days' where payment_id = {1200}
update payment set payment_date = '2024-01-15 00:00+00'::timestamptz + {3} * interval '25 days' where payment_id % 25 = {25} - 1 /* moves between partitions */
update payment set payment_date = case when payment_date < '2024-02-01 00:00+00' then '2024-03-03 03:03+00' else '2024-01-03 03:03+00' end::timestamptz where payment_id = {1200} /* moves between partitions */
delete from payment_2024_02 where payment_id % 70 = {70} - 1
insert into note (body, written) values (E'multi\nline', 'infinity'), ('', '0044-03-15 BC')
update note set body = body || '.' where note_id % 5 = {5} - 1
delete from note where note_id = {60}
update only note set note_id = note_id + 1000000 where note_id = {30}
insert into film_note (body, film_id, stars) select 'new', film_id, 'NaN' from film order by random() limit 2
update film_note set stars = stars / 3, film_id = null where note_id = 30 + {30}
update reservations_of_discs_that_are_still_out_and_wanted_back_by_now set "film that the customer wants, as spelt by whoever took the call" = null where number_of_the_reservation_as_it_is_printed_on_the_slip_of_paper % 5 = {5} - 1
insert into reservations_of_discs_that_are_still_out_and_wanted_back_by_now default values
update reservations_of_discs_that_are_still_out_and_wanted_back_by_now set number_of_the_reservation_as_it_is_printed_on_the_slip_of_paper = - number_of_the_reservation_as_it_is_printed_on_the_slip_of_paper where number_of_the_reservation_as_it_is_printed_on_the_slip_of_paper = {20}
delete from reservations_of_discs_that_are_still_out_and_wanted_back_by_now where number_of_the_reservation_as_it_is_printed_on_the_slip_of_paper = {40} - 20
insert into legacy.actor values ({1000}, 'Ægir'), ({1000}, '') on conflict do nothing
update legacy.actor set alias = lower(alias) where actor_id = {40}
delete from legacy.actor where actor_id % 13 = {13} - 1
truncate film_note
truncate legacy.actor
truncate payment_2024_03
