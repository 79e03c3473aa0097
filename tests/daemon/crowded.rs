//! Fewer connections than all syncs want: each has its turn, applications keep theirs, and it is
//! told how many are missing.

use super::world::{PATIENCE, World};
use crate::harness::{Cluster, TrueAtEnd, wait_until};
use std::sync::atomic::{AtomicBool, Ordering};

/// Syncs s1, s2, … of table t from A, which is reached by a role with so many connections.
fn limited(limit: usize, syncs: usize) -> World {
    let world = World::with(&["B"], &["A"]);
    world.at("A", &format!("create role few login connection limit {limit}; grant create on database a to few; alter table t owner to few; alter table u owner to few"));
    world.at("A", "grant usage, create on schema public to few");
    world.installed.control().execute("update bucardo.db set dbuser = 'few' where name = 'A'", &[]).unwrap();
    many_syncs(&world, syncs);
    world
}

fn many_syncs(world: &World, syncs: usize) {
    for n in 1..=syncs {
        world.says(&format!("add herd h{n} t"));
        world.says(&format!("add sync s{n} type=pushdelta source=h{n} targetdb=B"));
    }
}

#[test]
fn every_sync_has_its_turn_where_a_role_has_few_connections() {
    let world = limited(4, 7);
    world.says("start");
    for id in 1..=2 {
        for n in 1..=7 {
            let outcome = world.run(&format!("kick s{n} 40"));
            assert!(outcome.stdout.contains("DONE"), "s{n}: {}{}", outcome.stdout, outcome.stderr);
        }
        world.at("A", &format!("insert into t values ({id})"));
        world.becomes("B", &format!("select count(*) from t where id = {id}"), "1");
    }
}

/// An application inserts rows, one transaction after another, at a pace that leaves the servers
/// time.
fn while_rows_are_written(world: &World, during: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut a = world.db("A");
            for id in (1..20_000).take_while(|_| !done.load(Ordering::Relaxed)) {
                a.batch_execute(&format!("insert into t values ({id}); select pg_sleep(0.005)")).unwrap();
            }
        });
        let _end = TrueAtEnd(&done);
        during();
    });
}

#[test]
fn a_busy_sync_gives_way() {
    let world = limited(2, 2);
    world.says("start");
    while_rows_are_written(&world, || {
        for n in [1, 2, 1, 2] {
            wait_until(&format!("s{n} has its turn"), PATIENCE, || {
                (world.run(&format!("kick s{n} 20")).code() == 0).then_some(())
            });
        }
    });
}

#[test]
fn applications_keep_their_connections() {
    let mut world = World::with(&["B"], &["A"]);
    let server: &mut Cluster = world.server_mut("A");
    server.stop();
    server.configure(&["max_connections = 20"]);
    server.start();
    world.at("A", "create role app login");
    many_syncs(&world, 16);
    world.says("start");
    for n in 1..=16 {
        let outcome = world.run(&format!("kick s{n} 40"));
        assert!(outcome.stdout.contains("DONE"), "s{n}: {}{}", outcome.stdout, outcome.stderr);
        let apps: Vec<_> = (0..3).map(|_| world.server("A").try_connect("a", "app")).collect();
        let refused = apps.iter().find_map(|app| app.as_ref().err());
        assert!(refused.is_none(), "an application was refused after s{n}: {refused:?}");
    }
}

#[test]
fn start_and_status_tell_how_many_connections_are_missing() {
    let world = limited(4, 6);
    let outcome = world.run("start").ended_with(0);
    assert!(outcome.stderr.contains("need 7 connections") && outcome.stderr.contains("may have 3"), "{}", outcome.stderr);
    let outcome = world.run("status").ended_with(0);
    assert!(outcome.stderr.contains("need 7 connections"), "{}", outcome.stderr);
    assert!(world.installed.bucardo(&["status"]).ended_with(0).stderr.contains("need 7 connections"));
    for n in 3..=6 {
        world.says(&format!("update sync s{n} status=inactive"));
    }
    assert_eq!(world.run("status").ended_with(0).stderr, "");
}

/// Restarts a server with fewer connections.
fn shrink(server: &mut Cluster, connections: usize) {
    server.stop();
    server.configure(&[&format!("max_connections = {connections}")]);
    server.start();
}

/// A sync is kicked until it says that it is done.
fn has_its_turn(world: &World, sync: &str) {
    // The command itself may find no connection.
    let kick = || world.run(&format!("kick {sync} 40")).stdout.contains("DONE").then_some(());
    wait_until(&format!("sync {sync} has its turn"), PATIENCE, kick);
}

/// A transaction that ran when a KID went to sleep may commit without waking anybody, so the KID
/// watches it; that is no reason to keep others out as long as it runs.
#[test]
fn a_sync_that_waits_for_an_open_transaction_gives_way() {
    let world = limited(2, 2);
    let mut open = world.db("A");
    open.batch_execute("begin; insert into t values (-1)").unwrap();
    world.says("start");
    for sync in ["s1", "s2", "s1", "s2"] {
        has_its_turn(&world, sync);
    }
    open.batch_execute("commit").unwrap();
    world.becomes("B", "select count(*) from t", "1");
}

/// Where transactions may be prepared, writers mark a flag and send no NOTIFY, and a KID looks at
/// it again and again.
#[test]
fn a_sync_whose_writers_cannot_wake_it_gives_way() {
    let mut world = World::with(&["B"], &["A"]);
    let server = world.server_mut("A");
    server.stop();
    server.configure(&["max_prepared_transactions = 5"]);
    server.start();
    world.at("A", "create role few login connection limit 2; grant create on database a to few; alter table t owner to few; alter table u owner to few; grant usage, create on schema public to few");
    world.installed.control().execute("update bucardo.db set dbuser = 'few' where name = 'A'", &[]).unwrap();
    many_syncs(&world, 2);
    world.says("start");
    for sync in ["s1", "s2", "s1", "s2"] {
        has_its_turn(&world, sync);
    }
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
}

/// The server of all these databases is known by two names; the syncs have no other server in
/// common.
#[test]
fn syncs_give_way_on_a_server_that_has_two_names() {
    let world = limited(4, 1);
    world.server("A").create_database("d");
    world
        .server("A")
        .connect("d")
        .batch_execute(
            "create table u (id integer primary key, counter integer not null default 0); \
        grant create on database d to few; alter table u owner to few; grant usage, create on schema public to few",
        )
        .unwrap();
    let place = format!("host=127.0.0.1 port={} user=few", world.server("A").port());
    world.says(&format!("add db A2 dbname=a {place}"));
    world.says(&format!("add db D dbname=d {place}"));
    world.says("add table u db=A2 herd=h2");
    world.says("add sync s2 type=pushdelta source=h2 targetdb=D");
    world.says("start");
    for sync in ["s1", "s2", "s1", "s2"] {
        has_its_turn(&world, sync);
    }
}

/// A KID of a swap needs four connections where others need two, and gets them among syncs that
/// always have something to do.
#[test]
fn a_new_swap_has_its_turn_among_busy_syncs() {
    let mut world = World::with(&[], &["A"]);
    world.server("A").create_database("b");
    world
        .server("A")
        .connect("b")
        .batch_execute("create table t (id integer primary key, counter integer not null default 0)")
        .unwrap();
    let place = format!("host={} port={} user=postgres", world.server("A").socket_dir().display(), world.server("A").port());
    world.says(&format!("add db B dbname=b {place}"));
    world.at("A", "create table v (id integer primary key)");
    world.server("A").connect("b").batch_execute("create table v (id integer primary key)").unwrap();
    shrink(world.server_mut("A"), 20);
    many_syncs(&world, 12);
    world.says("start");
    while_rows_are_written(&world, || {
        world.says("add table v db=A herd=hv");
        world.says("add sync w type=swap source=hv targetdb=B");
        world.says("activate w 0");
        for _ in 1..=3 {
            has_its_turn(&world, "w");
        }
    });
}

/// All processes of the daemon need a connection to the control database, and a controller that
/// finds none is no failure.
#[test]
fn a_new_sync_gets_its_controller_where_the_control_database_is_full() {
    let mut world = World::with(&[], &["A", "B"]);
    many_syncs(&world, 9);
    world.at("A", "create table v (id integer primary key)");
    world.at("B", "create table v (id integer primary key)");
    shrink(&mut world.installed.cluster, 20);
    world.says("start");
    for n in 1..=9 {
        has_its_turn(&world, &format!("s{n}"));
    }
    world.says("add table v db=A herd=hv");
    world.says("add sync w type=swap source=hv targetdb=B");
    world.says("activate w 0");
    has_its_turn(&world, "w");
    for n in 1..=9 {
        has_its_turn(&world, &format!("s{n}"));
    }
    assert!(!world.installed.log().contains("The controller"), "a controller died");
}

/// Sessions of KIDs on a database, by their process ids there.
const KIDS: &str = "select string_agg(pid::text, ' ' order by pid) from pg_stat_activity \
                    where application_name like 'bucardo kid %' and datname = current_database()";

/// Database B, on a server of its own, is reached by a role with so many connections, of which
/// other syncs s1, s2 and s3 of table t on A want one each.
fn limited_target(limit: usize) -> World {
    let world = World::with(&["C"], &["A", "B"]);
    world.at("B", &format!("create role few login connection limit {limit}; grant create on database b to few; grant usage, create on schema public to few; alter table t owner to few; alter table u owner to few"));
    world.installed.control().execute("update bucardo.db set dbuser = 'few' where name = 'B'", &[]).unwrap();
    many_syncs(&world, 3);
    world
}

/// One that has nothing to do with the server where connections are short keeps its own.
#[test]
fn a_sync_between_other_servers_gives_nothing_up() {
    let world = limited_target(1);
    world.says("add herd he u");
    world.says("add sync e type=pushdelta source=he targetdb=C");
    // The servers of these tests are copies of one, and have its identifier.
    world.at("control", "update bucardo.db_identity set system_identifier = 'another' where db = 'B'");
    world.says("start");
    has_its_turn(&world, "e");
    let kid = world.value("C", KIDS);
    assert_ne!(kid, "NULL");
    for _ in 1..=2 {
        for n in 1..=3 {
            has_its_turn(&world, &format!("s{n}"));
        }
    }
    assert_eq!(world.value("C", KIDS), kid);
}

/// It needs two of the three connections, and one of them is heard on.
#[test]
fn a_swap_has_its_turn_where_a_role_has_few_connections() {
    let world = limited_target(3);
    world.says("add herd hw u");
    world.says("add sync w type=swap source=hw targetdb=B");
    world.says("start");
    while_rows_are_written(&world, || {
        for id in 1..=3 {
            world.at("B", &format!("insert into u values ({id})"));
            has_its_turn(&world, "w");
            world.becomes("A", &format!("select count(*) from u where id = {id}"), "1");
        }
    });
}

/// Where, and how many there are, is told.
#[test]
fn a_sync_that_waits_for_a_connection_says_to_which_database() {
    let world = limited_target(1);
    let mut held = world.server("B").connect_as("b", "few");
    world.says("start");
    world.run("kick s1");
    let waits = "waits for a connection to database \"B\"";
    wait_until("status says it", PATIENCE, || world.run("status s1").stdout.contains(waits).then_some(()));
    held.batch_execute("select").unwrap();
    drop(held);
    has_its_turn(&world, "s1");
}
