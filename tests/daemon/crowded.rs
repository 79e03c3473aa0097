//! Fewer connections than all syncs want: each has its turn, applications keep theirs, and it is told how many are missing.

use super::world::{PATIENCE, World};
use crate::harness::{Cluster, wait_until};
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

#[test]
fn a_busy_sync_gives_way() {
    let world = limited(2, 2);
    world.says("start");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut a = world.db("A");
            for id in (1..20_000).take_while(|_| !done.load(Ordering::Relaxed)) {
                a.batch_execute(&format!("insert into t values ({id})")).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        });
        for n in [1, 2, 1, 2] {
            wait_until(&format!("s{n} has its turn"), PATIENCE, || {
                (world.run(&format!("kick s{n} 20")).code() == 0).then_some(())
            });
        }
        done.store(true, Ordering::Relaxed);
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
        assert!(apps.iter().all(Result::is_ok), "an application was refused after s{n}");
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
