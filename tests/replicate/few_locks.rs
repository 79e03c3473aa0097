//! Servers on which a transaction cannot hold many locks, and syncs of many tables.

use super::world::World;
use crate::harness::{Cluster, wait_until};
use std::fmt::Write;
use std::time::Duration;

const FEW: [&str; 4] =
    ["max_locks_per_transaction = 10", "max_connections = 20", "max_wal_senders = 0", "max_worker_processes = 0"];

fn tables(number: usize) -> String {
    (1..=number).fold(String::new(), |mut ddl, n| {
        let _ = write!(ddl, "create table t{n} (id integer primary key, v text);");
        ddl
    })
}

/// In as many transactions as it takes.
fn make_tables(cluster: &Cluster, database: &str, from: usize, to: usize) {
    let mut there = cluster.connect(database);
    for n in from..=to {
        there.batch_execute(&format!("create table t{n} (id integer primary key, v text)")).unwrap();
    }
}

#[test]
fn a_sync_of_more_tables_than_can_be_locked_at_once_is_carried() {
    let world = World::with(&[]);
    let source = Cluster::with(&FEW);
    let target = Cluster::new();
    source.create_database("few_a");
    make_tables(&source, "few_a", 1, 300);
    target.create_database("few_b");
    target.connect("few_b").batch_execute(&tables(300)).unwrap();
    world.know(&source, "few_a", "postgres");
    world.know(&target, "few_b", "postgres");
    world.ctl(&["add", "all", "tables", "db=few_a", "herd=few"]).ok();
    world.ctl(&["add", "sync", "few", "type=pushdelta", "source=few", "targetdb=few_b"]).ok();
    world.ctl(&["start", "--quiet"]).ok();
    world.ctl(&["kick", "few", "0"]).ok();
    let mut a = source.connect("few_a");
    for n in [1, 49, 50, 51, 150, 299, 300] {
        a.batch_execute(&format!("insert into t{n} values ({n}, 'v')")).unwrap();
    }
    world.ctl(&["kick", "few", "0"]).ok();
    let mut b = target.connect("few_b");
    for n in [1, 49, 50, 51, 150, 299, 300] {
        let count: i64 = b.query_one(&format!("select count(*) from t{n} where id = {n}"), &[]).unwrap().get(0);
        assert_eq!(count, 1, "t{n}");
    }
    // And without anybody asking.
    a.batch_execute("update t200 set v = 'w'; insert into t200 values (1)").unwrap();
    wait_until("it arrives by itself", Duration::from_secs(20), || {
        (b.query_one("select count(*) from t200", &[]).unwrap().get::<_, i64>(0) == 1).then_some(())
    });
}

#[test]
fn where_too_many_locks_are_needed_the_setting_is_named() {
    let world = World::with(&[]);
    let source = Cluster::with(&FEW);
    let target = Cluster::new();
    source.create_database("many_a");
    make_tables(&source, "many_a", 1, 300);
    target.create_database("many_b");
    target.connect("many_b").batch_execute(&tables(300)).unwrap();
    world.know(&source, "many_a", "postgres");
    world.know(&target, "many_b", "postgres");
    world.ctl(&["add", "all", "tables", "db=many_a", "herd=many"]).ok();
    world.ctl(&["add", "sync", "many", "type=pushdelta", "source=many", "targetdb=many_b"]).ok();
    let mut a = source.connect("many_a");
    for n in 1..=300 {
        a.batch_execute(&format!("insert into t{n} values ({n}, 'v')")).unwrap();
    }
    world.ctl(&["start", "--quiet"]).ok();
    let outcome = world.ctl(&["kick", "many", "50"]);
    assert_ne!(outcome.code(), 0);
    let status = world.ctl(&["status", "many"]).ok();
    assert!(status.contains("out of shared memory") && status.contains("max_locks_per_transaction"), "{status}");
}
