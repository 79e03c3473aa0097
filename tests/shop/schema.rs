//! The shop's tables, the same on every member, and a log beside them that is not replicated.
//!
//! Which invariants can a decision row by row keep? Those of what one member alone writes: an order
//! and its lines and payments belong to the member where the order was made, and since a round is
//! one transaction at each receiver, an order's total and its payments agree with their rows on
//! every member at every moment. And those within a row: stock is never negative. Customers,
//! products, promotions and accounts are written everywhere; of them only equality can be asked,
//! and that no write vanishes without a trace. For that each write has a number of its own, column
//! `w`, and the log says which one it replaced. (A TRUNCATE has none: what it did not know stays,
//! and that is no conflict.)

/// What is replicated.
pub const TABLES: [&str; 7] = ["customers", "products", "orders", "order_lines", "payments", "promos", "accounts"];

/// An order that does not agree with its lines or payments.
pub const BROKEN: &str = "select (select count(*) from orders o
        where total <> (select coalesce(sum(amount * price), 0) from order_lines l where l.order_id = o.id)
            or paid <> (select coalesce(sum(amount), 0) from payments p where p.order_id = o.id))
    + (select count(*) from order_lines l where not exists (select from orders o where o.id = l.order_id))
    + (select count(*) from payments p where not exists (select from orders o where o.id = p.order_id))";

const DDL: &str = "
    create sequence invoice_numbers;
    create table customers (id integer primary key, login text not null, name text not null, w bigint not null);
    create table products (id integer primary key, stock integer not null check (stock >= 0), w bigint not null);
    create table orders (id bigint primary key, customer integer not null, total bigint not null, paid bigint not null, w bigint not null);
    create table order_lines (order_id bigint references orders, line integer, amount integer not null, price integer not null,
        w bigint not null, primary key (order_id, line));
    create table payments (id bigint primary key, order_id bigint not null references orders, amount integer not null, w bigint not null);
    create table promos (id integer primary key, w bigint not null);
    create table accounts (id integer primary key, mail text unique, n integer not null, w bigint not null);

    create sequence ticket;
    create table log (seq bigserial primary key, tab text not null, key text not null, w bigint not null, old_w bigint,
        gone boolean not null, at timestamptz not null default now());
    create function stamp() returns trigger language plpgsql as $$ begin
        new.w := nextval('public.ticket') * 10 + {number}; return new; end $$;
    create function note() returns trigger language plpgsql as $$
    declare
        was jsonb; is_now jsonb; old_key text; new_key text;
    begin
        if tg_op <> 'INSERT' then
            was := to_jsonb(old);
            old_key := concat_ws('|', was ->> tg_argv[0], was ->> tg_argv[1]);
        end if;
        if tg_op <> 'DELETE' then
            is_now := to_jsonb(new);
            new_key := concat_ws('|', is_now ->> tg_argv[0], is_now ->> tg_argv[1]);
        end if;
        if old_key = new_key then
            insert into public.log (tab, key, w, old_w, gone) values (tg_table_name, new_key, new.w, old.w, false);
            return null;
        end if;
        if old_key is not null then
            insert into public.log (tab, key, w, old_w, gone)
                values (tg_table_name, old_key, nextval('public.ticket') * 10 + {number}, old.w, true);
        end if;
        if new_key is not null then
            insert into public.log (tab, key, w, gone) values (tg_table_name, new_key, new.w, false);
        end if;
        return null;
    end $$;
    create function note_all() returns trigger language plpgsql as $$ begin
        insert into public.log (tab, key, w, old_w, gone)
            select 'promos', id::text, 0, w, true from public.promos;
        return null; end $$;
    create trigger note_all before truncate on promos for each statement execute procedure note_all();
";

/// What no two customers may have the same of.
const UNIQUE: [&str; 2] =
    ["create unique index on customers (login);", "create unique index on customers (lower(name)) where name <> 'new';"];

/// Statements that make them on the member of this number, with so many things that customers have
/// for themselves alone.
pub fn ddl(number: usize, unique: usize) -> String {
    let triggers = TABLES.map(|table| {
        let keys = if table == "order_lines" { "'order_id', 'line'" } else { "'id'" };
        format!(
            "create trigger stamp before insert or update on {table} for each row execute procedure stamp();
            create trigger note after insert or update or delete on {table} for each row execute procedure note({keys});"
        )
    });
    DDL.replace("{number}", &number.to_string()) + &UNIQUE[..unique].concat() + &triggers.join("\n")
}
