-- Some thousand rows, the same ones each time.

insert into language (name) values ('English'), ('Italian'), ('Japanese'), ('Mandarin'), ('French'), ('German');
insert into category (category_id, name)
    select i, 'Category ' || chr(64 + i::integer) from generate_series(1, 16) i;
insert into country (country) select 'Country ' || i || case when i % 5 = 0 then ' Åland' else '' end from generate_series(1, 20) i;
insert into city (city, country_id) select 'City ' || i, 1 + i * 7 % 20 from generate_series(1, 60) i;
insert into address (address, address2, district, city_id, postal_code, phone)
    select i || ' Main Street', nullif('Flat ' || i % 4, 'Flat 0'), 'District ' || i % 9, 1 + i * 11 % 60, lpad(i::text, 5, '0'), '' || i * 7919
    from generate_series(1, 160) i;
insert into actor (first_name, last_name) select 'First' || i % 30, 'Last' || i from generate_series(1, 100) i;
insert into film (title, description, release_year, language_id, original_language_id, rental_rate, length, rating, special_features, poster)
    select 'Film of the ' || (array['Dog', 'Woman', 'Robot', 'Boat', 'Shark'])[1 + i % 5] || ' ' || i,
           'A ' || (array['thoughtful', 'fast', 'epic'])[1 + i % 3] || ' story of somebody who must find number ' || i,
           1950 + i % 70, 1 + i % 6, nullif(i % 7, 0), i % 5 + 0.99, 46 + i % 140, (enum_range(null::rating))[1 + i % 5],
           (array[null, '{}', '{Trailers,"Deleted Scenes"}', '{Commentaries,NULL,""}'])[1 + i % 4]::text[],
           case when i % 10 = 0 then decode(md5(i::text) || '005c0a', 'hex') end
    from generate_series(1, 300) i;
insert into film_actor (actor_id, film_id) select 1 + i * 13 % 100, 1 + i % 300 from generate_series(1, 900) i on conflict do nothing;
insert into film_category (film_id, category_id) select i, 1 + i % 16 from generate_series(1, 300) i;
begin;
insert into store (manager_id, address_id) values (1, 1), (2, 2);
insert into staff (first_name, last_name, email, store_id, username, password, picture)
    select 'Staff', 'Member ' || i, i || '@shop.test', 1 + i % 2, 'user' || i, md5(i::text), decode('89504e470d0a1a0a00ff', 'hex')
    from generate_series(1, 4) i;
commit;
insert into customer (store_id, first_name, last_name, email, address_id, create_date)
    select 1 + i % 2, 'Given' || i, 'Family' || i % 40, 'c' || i || '@customer.test', 1 + i % 160, date '2020-01-01' + i::integer
    from generate_series(1, 150) i;
insert into inventory (film_id, store_id) select 1 + i % 300, 1 + i % 2 from generate_series(1, 600) i;
insert into rental (rental_period, inventory_id, customer_id, staff_id)
    select tstzrange('2024-01-01 10:00+00'::timestamptz + i * interval '37 min',
                     case when i % 9 > 0 then '2024-01-01 10:00+00'::timestamptz + (i + 50) * interval '37 min' end),
           1 + i % 600, 1000 + i % 150 * 7, 1 + i % 4
    from generate_series(1, 600) i;
insert into payment (customer_id, staff_id, rental_id, amount, payment_date)
    select 1000 + i % 150 * 7, 1 + i % 4, i, (i % 900) / 100.0, '2024-01-01 12:00+00'::timestamptz + i * interval '97 min'
    from generate_series(1, 1200) i;
insert into note (body) select 'note ' || i from generate_series(1, 30) i;
insert into film_note (body, film_id, stars) select 'on film ' || i, i, i / 7.0 from generate_series(1, 30) i;
insert into reservations_of_discs_that_are_still_out_and_wanted_back_by_now ("film that the customer wants, as spelt by whoever took the call")
    select title from film where film_id <= 20;
insert into legacy.actor select actor_id, 'Alias ' || actor_id from actor where actor_id <= 40;
refresh materialized view takings;
