//! PostgreSQL's own benchmark program as a client, on one source and on two masters at once.

use crate::daemon::world::World;
use crate::harness::{Cluster, long};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// As pgbench makes them, with a key where it has none.
pub const TABLES: &str = "create table pgbench_branches (bid integer primary key, bbalance integer, filler char(88)) with (fillfactor = 100);
    create table pgbench_tellers (tid integer primary key, bid integer, tbalance integer, filler char(84)) with (fillfactor = 100);
    create table pgbench_accounts (aid integer primary key, bid integer, abalance integer, filler char(84)) with (fillfactor = 100);
    create table pgbench_history (tid integer, bid integer, aid integer, delta integer, mtime timestamp, filler char(22), hid bigserial primary key)";

const NAMES: [&str; 4] = ["pgbench_branches", "pgbench_tellers", "pgbench_accounts", "pgbench_history"];

/// That of the server, if it has one; any other will do.
pub fn program() -> Option<PathBuf> {
    let chosen = std::env::var_os("BUCARDO_TEST_PG").map(PathBuf::from);
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = chosen.into_iter().chain(debian).chain(std::env::split_paths(&path));
    let found = places.map(|place| place.join("pgbench")).find(|program| program.exists());
    if found.is_none() {
        eprintln!("there is no pgbench: it is not tested with");
    }
    found
}

/// A run of it on a database.
pub fn command(program: &Path, cluster: &Cluster, words: &[&str], database: &str) -> Command {
    let mut command = Command::new(program);
    command.arg("--host").arg(cluster.socket_dir()).arg("--port").arg(cluster.port().to_string());
    command.args(["--username", "postgres"]).args(words).arg(database);
    command
}

/// Clients that write until they are dropped.
struct Clients(Child);

impl Clients {
    fn start(program: &Path, world: &World, name: &str) -> Clients {
        let words = ["--no-vacuum", "--client=4", "--time=3600"];
        let mut command = command(program, world.server(name), &words, &name.to_lowercase());
        Clients(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Whether all of them still write.
    fn write(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Two masters with pgbench's tables, which are in sync.
fn masters(program: &Path) -> World {
    let world = World::with(&["A", "B"], &[]);
    for (name, first) in [("A", 1), ("B", 2)] {
        world.at(name, TABLES);
        world.at(name, &format!("alter sequence pgbench_history_hid_seq increment 2 start {first} restart"));
    }
    let made = command(program, world.server("A"), &["--initialize", "--init-steps=g"], "a").output().unwrap();
    assert!(made.status.success(), "{made:?}");
    world.says(&format!("add table {} db=A herd=bench", NAMES.join(" ")));
    world.says("add herd bench t u");
    world.says("add sync s type=swap source=bench targetdb=B onetimecopy=1");
    world.says("start");
    world.says("kick s 0");
    world
}

/// Rows that one master has got or changed arrive on the other one, again and again, however busy
/// both are.
#[test]
fn masters_under_pgbench_advance_all_the_time_and_are_equal_when_it_is_over() {
    let Some(program) = program() else { return };
    let world = masters(&program);
    let mut clients = ["A", "B"].map(|name| Clients::start(&program, &world, name));
    for mark in 0..if long() { 200 } else { 12 } {
        let (here, there) = if mark % 2 == 0 { ("A", "B") } else { ("B", "A") };
        let written = Instant::now();
        world.at(here, &format!("insert into u values ({mark})"));
        world.becomes(there, &format!("select count(*) from u where id = {mark}"), "1");
        if long() {
            eprintln!("from {here} to {there}: {:?}", written.elapsed());
        }
    }
    assert!(clients.iter_mut().all(Clients::write), "pgbench has ended");
    drop(clients);
    world.says("kick s 0");
    for table in NAMES {
        let rows = format!("select count(*) || ' ' || md5(string_agg(x::text, ',' order by x::text)) from {table} x");
        assert_eq!(world.value("A", &rows), world.value("B", &rows), "{table}");
    }
    assert_ne!(world.value("A", "select count(*) from pgbench_history where hid % 2 = 0"), "0");
    assert_ne!(world.value("B", "select count(*) from pgbench_history where hid % 2 = 1"), "0");
    assert_ne!(world.value("control", "select count(*) from bucardo.conflict"), "0");
    world.becomes_quiet();
}
