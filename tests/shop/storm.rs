//! The schema storm: while applications write on all members, the owner of the tables alters,
//! renames and swaps them, as owners do, and servers crash, are restored from backups, or give way
//! to a standby.
//!
//! What happens when comes from a seed. Afterwards all members are equal, or the tables that differ
//! are named by the sync's gaps, each with the command that evens it out; and after that command
//! they are equal. A database that is halted is accepted first, with the command that is named. No
//! write of an application ever fails for a reason of ours.
//!
//! * `BUCARDO_STORM_SEED=n`: only this seed. * `BUCARDO_STORM_SEEDS=200`: so many, instead of five.
//! * `BUCARDO_STORM_SECONDS=20`: of load for each, instead of four.

use super::number;
use crate::daemon::world::{PATIENCE, World, send};
use crate::harness::{Chance, Cluster, Folder, wait_until};
use crate::replicate::equal;
use nix::sys::signal::Signal;
use postgres::{Client, Config, NoTls};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

/// The tables that are written to and altered.
const TABLES: [&str; 5] = ["wide", "columns", "parts", "swapped", "quiet"];

/// What the owner makes on each member.
const DDL: &str = "
    create table wide (id smallint primary key, code varchar(4), price numeric(6,1), n integer);
    create table columns (id integer primary key, v text);
    create table parts (id integer, kind integer, v text, primary key (kind, id)) partition by list (kind);
    create table parts_0 partition of parts for values in (0);
    create table parts_1 partition of parts for values in (1);
    create table swapped (id integer primary key, v text);
    create table quiet (id integer primary key, v text);
    grant select, insert, update, delete on wide, columns, parts, swapped, quiet to app;
    alter default privileges in schema public grant select, insert, update, delete on tables to app;";

/// Errors of an application that it would get without us: a row that is there already, a server
/// that restarts, a table that was renamed.
fn is_its_own(error: &postgres::Error) -> bool {
    let renamed =
        |db: &postgres::error::DbError| db.code().code() == "42P01" && db.message() == "relation \"quiet\" does not exist";
    error.as_db_error().is_none_or(|db| matches!(db.code().code(), "23505" | "57P01" | "57P02" | "57P03") || renamed(db))
}

/// A table gets back the name that applications know.
const BACK: &str = "do $$ begin if to_regclass('quiet') is null then alter table quiet_away rename to quiet; end if; end $$";

#[test]
fn a_source_and_a_target_survive_their_owner() {
    seeds(0).for_each(|seed| run(seed, "pushdelta"));
}

#[test]
fn two_masters_survive_their_owner() {
    seeds(1).for_each(|seed| run(seed, "swap"));
}

fn seeds(kind: u64) -> impl Iterator<Item = u64> {
    let range = match number("BUCARDO_STORM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("BUCARDO_STORM_SEEDS").unwrap_or(5),
    };
    range.filter(move |seed| seed % 2 == kind)
}

struct Storm {
    world: World,
    masters: &'static [&'static str],
    chance: Chance,
    /// How many of the owner's changes there were, for names.
    made: u64,
    /// Where applications find each member.
    places: Places,
    /// Of member B, the files that it had, and what its owner has done since.
    backup: Option<(Folder, Vec<String>)>,
    /// Servers that gave way to a standby.
    old: Vec<Cluster>,
}

type Places = Arc<Mutex<BTreeMap<&'static str, Config>>>;

fn run(seed: u64, kind: &str) {
    println!("BUCARDO_STORM_SEED={seed}");
    let world = World::with(&[], &["A", "B"]);
    for name in ["A", "B"] {
        let postgres =
            "create role shop login; create role app login; alter database {} owner to shop; alter schema public owner to shop";
        world.at(name, &postgres.replace("{}", &name.to_lowercase()));
        session(&world, name, "shop").batch_execute(DDL).unwrap();
    }
    world.says(&format!("add table {} db=A herd=storm", TABLES.join(" ")));
    world.says(&format!("add sync storm type={kind} source=storm targetdb=B"));
    world
        .installed
        .control()
        .batch_execute("update bucardo.bucardo_config set value = '1' where setting = 'delta_retention'")
        .unwrap();
    world.says("start");
    world.says("kick storm 0");
    let masters: &[&str] = if kind == "swap" { &["A", "B"] } else { &["A"] };
    let places = Places::default();
    places.lock().unwrap().extend(["A", "B"].map(|name| (name, config(&world, name, "app"))));
    let mut storm = Storm { world, masters, chance: Chance::seeded(seed), made: 0, places, backup: None, old: Vec::new() };
    let clients = Clients::start(&storm.places, masters, &mut storm.chance);
    let end = Instant::now() + Duration::from_secs(number("BUCARDO_STORM_SECONDS").unwrap_or(4));
    while Instant::now() < end {
        storm.blow();
    }
    clients.stop();
    storm.calms_down();
}

fn session(world: &World, name: &str, user: &str) -> Client {
    config(world, name, user).connect(NoTls).unwrap()
}

fn config(world: &World, name: &str, user: &str) -> Config {
    let server = world.server(name);
    let mut config = Config::new();
    config.host_path(server.socket_dir()).port(server.port()).dbname(&name.to_lowercase()).user(user);
    config
}

impl Storm {
    fn blow(&mut self) {
        sleep(Duration::from_millis(20 + self.chance.below(250)));
        self.made += 1;
        let made = self.made;
        let both: &[&str] = &["B", "A"];
        let one = self.chance.pick(self.masters);
        match self.chance.below(19) {
            0 => self.owner(both, "alter table wide alter id type integer"),
            1 => self.owner(both, "alter table wide alter id type bigint"),
            2 => self.owner(both, "alter table wide alter code type varchar(20), alter price type numeric(12,4)"),
            3 => self.owner(both, &format!("alter table columns add c{made} text default 'd'")),
            4 => self.owner(&["A", "B"], "do $$ declare c text; begin select attname into c from pg_attribute where attrelid = 'columns'::regclass and attnum > 2 and not attisdropped limit 1; if c is not null then execute format('alter table columns drop %I', c); end if; end $$"),
            5 => self.owner(both, &format!("create table parts_{} partition of parts for values in ({})", made + 2, made + 2)),
            6 => self.owner(both, "alter table parts detach partition parts_1; alter table parts attach partition parts_1 for values in (1)"),
            7 => self.owner(&[one], "begin; create table swapped_new (like swapped including all); insert into swapped_new select * from swapped; alter table swapped rename to swapped_old; alter table swapped_new rename to swapped; drop table swapped_old; commit"),
            8 => self.owner(&[one], "alter table quiet disable trigger user; alter table quiet enable trigger user"),
            9 => self.owner(&[one], "truncate columns"),
            10 => drop(self.world.run("validate all")),
            11 => self.kill(),
            12 => self.restart(one),
            13 => self.owner(both, &format!("create table extra_{made} (like parts including all); insert into extra_{made} values (1, {0}, 'there'); alter table parts attach partition extra_{made} for values in ({0})", made + 1000)),
            14 => self.owner(both, "alter table quiet rename to quiet_away"),
            15 => self.owner(both, BACK),
            16 => self.restore(),
            17 => self.promote(),
            _ => drop(self.world.run("kick storm")),
        }
    }

    /// The owner's statement on these members, one after another. It may fail: somebody else may
    /// hold the table, or it was done before.
    fn owner(&mut self, members: &[&str], sql: &str) {
        for name in members {
            if let Ok(mut client) = config(&self.world, name, "shop").connect(NoTls) {
                let done = client.batch_execute(&format!("set lock_timeout = '2s'; {sql}"));
                if let (Ok(()), "B", Some((_, since))) = (&done, *name, &mut self.backup) {
                    since.push(sql.to_owned());
                }
                println!("{name}: {sql} {}", done.map_or_else(|error| error.to_string(), |()| String::new()));
            }
        }
    }

    /// Takes a backup of B or, if there is one, puts B back to it; its owner then does again what
    /// he has done since.
    fn restore(&mut self) {
        let server = self.world.server_mut("B");
        server.stop();
        let Some((files, since)) = self.backup.take() else {
            println!("backup of B");
            let files = server.files();
            server.start();
            self.backup = Some((files, Vec::new()));
            return;
        };
        println!("restore B");
        server.put_back(&files);
        server.start();
        since.iter().for_each(|sql| self.owner(&["B"], sql));
    }

    /// A standby of A takes over, with what it has got by then.
    fn promote(&mut self) {
        if self.old.len() > 1 {
            return;
        }
        println!("promote a standby of A");
        let standby = self.world.server_mut("A").standby();
        sleep(Duration::from_millis(self.chance.below(300)));
        self.world.server_mut("A").kill();
        standby.promote();
        self.old.push(self.world.replace_server("A", standby));
        self.places.lock().unwrap().insert("A", config(&self.world, "A", "app"));
    }

    fn kill(&self) {
        if let Some(pid) = self.world.pid_now("kid.sync.storm.B") {
            println!("kill kid");
            send(pid, Signal::SIGKILL);
        }
    }

    fn restart(&mut self, name: &str) {
        println!("restart {name}");
        let server = self.world.server_mut(name);
        server.kill();
        server.start();
    }

    /// Nobody writes any more, and the owner rests. What differs is named, and the command that is
    /// named with it evens it out.
    fn calms_down(&mut self) {
        self.owner(&["B", "A"], BACK);
        self.accept();
        self.arrives();
        let (named, different) = (self.gaps(), self.differences());
        let unnamed: Vec<&String> = different.iter().filter(|table| !named.contains(*table)).collect();
        assert!(unnamed.is_empty(), "tables differ and nobody says so: {unnamed:?}; named: {named:?}");
        if named.is_empty() {
            return;
        }
        self.world.says("update sync storm onetimecopy=1");
        self.world.says("reload storm");
        self.arrives();
        assert_eq!((self.gaps(), self.differences()), (BTreeSet::new(), Vec::new()), "after a copy of all tables");
    }

    /// A database that is not what it was is filled by a copy, as `status` says.
    fn accept(&self) {
        let halted = "select coalesce(string_agg(db, ' ' order by db), '') from bucardo.db_identity where halted is not null";
        wait_until("no database is halted", PATIENCE, || {
            self.world.run("validate storm");
            let rounds = self.world.run("kick storm 10").code() == 0;
            let halted = self.world.value("control", halted);
            for name in halted.split_whitespace() {
                assert!(self.world.says("status storm").contains(&format!("bucardo_ctl accept {name}")), "{name}");
                println!("accept {name} --copy");
                // Other tables of the sync may have gaps, of which it tells.
                let accepted = self.world.run(&format!("accept {name} --copy"));
                assert!(accepted.stdout.contains("Accepted: database"), "{}{}", accepted.stdout, accepted.stderr);
            }
            (rounds || halted.is_empty()).then_some(())
        });
    }

    fn arrives(&self) {
        self.world.run("validate storm");
        self.world.run("activate storm 30");
        wait_until("everything that can arrive has arrived", PATIENCE, || {
            (self.world.run("kick storm 10").code() == 0).then_some(())
        });
    }

    fn gaps(&self) -> BTreeSet<String> {
        let mut control = self.world.installed.control();
        let rows = control.query("select distinct tablename from bucardo.gap where sync = 'storm'", &[]).unwrap();
        rows.iter().map(|row| row.get::<_, String>(0).trim_start_matches("public.").to_owned()).collect()
    }

    fn differences(&self) -> Vec<String> {
        let (mut a, mut b) = (equal::session(self.world.server("A"), "a"), equal::session(self.world.server("B"), "b"));
        let differ = |table: &&&str| {
            let rows = format!(
                "select count(*) || coalesce(md5(string_agg(r, ',' order by r)), '') from (select t::text as r from {table} t) s"
            );
            let [here, there] = [&mut a, &mut b].map(|client| client.query_one(&rows, &[]).unwrap().get::<_, String>(0));
            here != there
        };
        let mut differ = differ;
        TABLES.iter().filter(|table| differ(table)).map(|table| (*table).to_owned()).collect()
    }
}

/// Applications without any right on what is ours.
struct Clients {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    fn start(places: &Places, masters: &'static [&'static str], chance: &mut Chance) -> Clients {
        let over = Arc::new(AtomicBool::new(false));
        let start = |name: &&'static str| {
            let (name, places, over, mut chance) = (*name, Arc::clone(places), Arc::clone(&over), chance.branch());
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let config = places.lock().unwrap()[name].clone();
                    let Ok(mut client) = config.connect(NoTls) else {
                        sleep(Duration::from_millis(10));
                        continue;
                    };
                    while !over.load(Ordering::Relaxed) && !client.is_closed() {
                        let sql = write(&mut chance);
                        if let Err(error) = client.batch_execute(&sql) {
                            assert!(is_its_own(&error), "an application was refused: {sql}: {error:?}");
                        }
                        sleep(Duration::from_millis(2));
                    }
                }
            })
        };
        let threads = masters.iter().flat_map(|name| [name, name]).map(start).collect();
        Clients { over, threads }
    }

    fn stop(mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

fn write(chance: &mut Chance) -> String {
    let (id, other) = (chance.below(60), chance.below(60));
    match chance.below(12) {
        0 | 1 => format!("insert into wide (id, code, price, n) values ({id}, 'c{other}', {other}.5, 0) on conflict do nothing"),
        2 => format!("update wide set n = n + 1, id = {other} where id = {id}"),
        3 => format!("delete from wide where id = {id}"),
        4 | 5 => format!("insert into columns (id, v) values ({id}, 'x') on conflict (id) do update set v = 'y{other}'"),
        6 | 7 => format!("insert into parts values ({id}, 0, 'x') on conflict (kind, id) do update set v = 'y{other}'"),
        8 => format!("delete from parts where id = {id}"),
        9 => format!("insert into swapped values ({id}, 'x') on conflict (id) do update set v = 'y{other}'"),
        10 => format!("insert into quiet values ({id}, 'x') on conflict (id) do update set v = 'y{other}'"),
        _ => format!("delete from quiet where id = {id}"),
    }
}
