//! The shop's applications: some write to each master, and one on each member looks all the time
//! whether the books agree.

use super::{Shop, schema};
use crate::daemon::world::value;
use crate::harness::Chance;
use postgres::{Client, Config, NoTls};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Writers on each master.
const WRITERS: u64 = 2;
/// What a writer thinks between two transactions.
const PACE: Duration = Duration::from_millis(3);
/// How often the books are looked at.
const AUDIT: Duration = Duration::from_millis(40);

/// See the module's text.
pub struct Clients {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    /// Starts them.
    pub fn start(shop: &Shop, chance: &mut Chance) -> Clients {
        let over = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for (number, master) in (1..).zip(shop.layout.masters) {
            for writer in 0..WRITERS {
                let (config, over, chance) = (config(shop, master), Arc::clone(&over), chance.branch());
                let claims = if shop.contended { 40 } else { 4 };
                let mut writer = Writer { chance, claims, base: (number * 10 + writer) * 1_000_000, made: 0, paid: 0 };
                threads.push(thread::spawn(move || keep_on(&config, &over, PACE, |client| writer.write(client))));
            }
        }
        for member in shop.members() {
            let (config, over) = (config(shop, member), Arc::clone(&over));
            threads.push(thread::spawn(move || keep_on(&config, &over, AUDIT, |client| audit(client, member))));
        }
        Clients { over, threads }
    }

    /// Ends them. What one of them found wrong is told now.
    pub fn stop(mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn config(shop: &Shop, member: &str) -> Config {
    let server = shop.world.server(member);
    let mut config = Config::new();
    config.host_path(server.socket_dir()).port(server.port()).dbname(&member.to_lowercase()).user("postgres");
    config.application_name("shop");
    config
}

/// Connects again and again: the server may be away for a while.
fn keep_on(config: &Config, over: &AtomicBool, pause: Duration, mut work: impl FnMut(&mut Client)) {
    while !over.load(Ordering::Relaxed) {
        if let Ok(mut client) = config.connect(NoTls) {
            while !over.load(Ordering::Relaxed) && !client.is_closed() {
                work(&mut client);
                thread::sleep(pause);
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn audit(client: &mut Client, member: &str) {
    if let Ok(row) = client.query_one(&format!("select ({})::text", schema::BROKEN), &[]) {
        assert_eq!(row.get::<_, String>(0), "0", "on {member}, books do not agree");
    }
}

struct Writer {
    chance: Chance,
    /// Beside fourteen other things to do, how often it claims a value for an account.
    claims: u64,
    /// Its orders are numbered from here.
    base: u64,
    made: u64,
    paid: u64,
}

impl Writer {
    /// A transaction that is refused (by a constraint, by a deadlock, or because the server is
    /// away) has written nothing.
    fn write(&mut self, client: &mut Client) {
        let sql = match self.chance.below(14 + self.claims) {
            0 | 1 => self.order(),
            2 => self.change_line(),
            3 => self.pay(),
            4 => self.cancel(),
            5 | 6 => self.customer(),
            7 | 8 => self.product(),
            9 => self.two_products(),
            10..=12 => self.promo(),
            13 => "select nextval('invoice_numbers')".to_owned(),
            _ => self.account(),
        };
        if client.batch_execute(&format!("begin; {sql}; commit")).is_err() {
            let _ = client.batch_execute("rollback");
        }
    }

    fn order(&mut self) -> String {
        self.made += 1;
        let (id, lines, price) = (self.base + self.made, 1 + self.chance.below(4), 1 + self.chance.below(90));
        let (customer, product) = (self.chance.below(30), self.chance.below(10));
        format!(
            "insert into orders values ({id}, {customer}, {}, 0, 0);
            insert into order_lines select {id}, g, 2, {price}, 0 from generate_series(1, {lines}) g;
            update products set stock = greatest(stock - 2, 0) where id = {product}",
            lines * 2 * price
        )
    }

    /// One of its own orders.
    fn any(&mut self) -> u64 {
        self.base + 1 + self.chance.below(self.made.max(1))
    }

    fn change_line(&mut self) -> String {
        let (id, line) = (self.any(), 1 + self.chance.below(4));
        let change = match self.chance.below(4) {
            0 => format!("delete from order_lines where order_id = {id} and line = {line}"),
            1 => format!("update order_lines set line = line + 10 where order_id = {id} and line = {line}"),
            _ => format!("update order_lines set amount = amount + 1 where order_id = {id} and line = {line}"),
        };
        format!(
            "{change}; update orders set total = (select coalesce(sum(amount * price), 0) from order_lines where order_id = {id}) where id = {id}"
        )
    }

    fn pay(&mut self) -> String {
        self.paid += 1;
        let (id, payment, amount) = (self.any(), self.base + self.paid, 1 + self.chance.below(50));
        format!(
            "insert into payments select {payment}, id, {amount}, 0 from orders where id = {id};
            update orders set paid = (select coalesce(sum(amount), 0) from payments where order_id = {id}) where id = {id}"
        )
    }

    fn cancel(&mut self) -> String {
        let id = self.any();
        format!(
            "delete from order_lines where order_id = {id}; delete from payments where order_id = {id}; delete from orders where id = {id}"
        )
    }

    fn customer(&mut self) -> String {
        let (id, other, name) = (self.chance.below(30), self.chance.below(30), self.chance.below(100));
        let login = self.chance.below(60);
        match self.chance.below(6) {
            0 => format!("delete from customers where id = {id}"),
            1 => format!("update customers set id = {other} where id = {id}"),
            2 => format!("update customers set name = 'name {name}', login = 'login {login}' where id = {id}"),
            3 => format!(
                "delete from customers where id = {id}; insert into customers values ({id}, 'login {login}', 'again {name}', 0)"
            ),
            _ => format!(
                "insert into customers values ({id}, 'login {login}', 'new', 0) on conflict (id) do update set name = 'name {name}'"
            ),
        }
    }

    fn product(&mut self) -> String {
        let (id, stock) = (self.chance.below(10), self.chance.below(50));
        match self.chance.below(5) {
            0 => format!("insert into products values ({id}, {stock}, 0) on conflict do nothing"),
            1 if stock < 10 => format!("delete from products where id = {id}"),
            _ => format!("update products set stock = stock + {stock} where id = {id}"),
        }
    }

    fn two_products(&mut self) -> String {
        let (one, other) = (self.chance.below(10), self.chance.below(10));
        format!(
            "update products set stock = stock / 2 where id = {one}; update products set stock = stock + 1 where id = {other}"
        )
    }

    /// Many accounts claim few addresses.
    fn account(&mut self) -> String {
        let (id, mail) = (self.chance.below(60), self.chance.below(40));
        match self.chance.below(11) {
            0..=3 => format!("insert into accounts values ({id}, 'm{mail}', 0, 0) on conflict do nothing"),
            4..=7 => format!("update accounts set n = n + 1 where id = {id}"),
            8 | 9 => format!("update accounts set mail = 'm{mail}' where id = {id}"),
            _ => format!("delete from accounts where id = {id}"),
        }
    }

    fn promo(&mut self) -> String {
        let id = self.chance.below(200);
        match self.chance.below(60) {
            0 => "truncate promos".to_owned(),
            1 => format!("truncate promos; insert into promos values ({id}, 0)"),
            2..=14 => format!("delete from promos where id = {id}"),
            15..=30 => format!("update promos set w = 0 where id = {id}"),
            _ => format!("insert into promos values ({id}, 0) on conflict do nothing"),
        }
    }
}

/// A last write on each master, after which everything has to arrive by itself.
pub fn farewell(shop: &Shop) {
    for (number, master) in (1..).zip(shop.layout.masters) {
        shop.world.at(
            master,
            &format!("insert into payments select 0, 0, 0, 0 where false; insert into orders values ({number}, 0, 0, 0, 0)"),
        );
        assert_eq!(value(&mut shop.world.db(master), schema::BROKEN), "0");
    }
}
