//! Applications that take tables for themselves, and rounds that need them.

use crate::daemon::world::{PATIENCE, World, send};
use crate::harness::wait_until;
use nix::sys::signal::Signal;
use std::sync::atomic::{AtomicBool, Ordering};

fn equal(world: &World) {
    for table in ["t", "u"] {
        let all = format!("select count(*) || coalesce(md5(string_agg({table}::text, ' ' order by id)), '') from {table}");
        assert_eq!(world.value("A", &all), world.value("B", &all), "table {table}");
    }
}

/// An application that takes one table for itself and then another: who waits for the first while
/// he holds the second would let the server end one of the two, and not us.
#[test]
fn who_takes_several_tables_for_himself_meets_nobody_in_a_deadlock() {
    let all = [("pushdelta", "delete", 1), ("swap", "delete", 1), ("fullcopy", "delete", 1), ("fullcopy", "truncate", 2)];
    for (kind, method, jobs) in all {
        let world = World::with(&["A", "B"], &[]);
        world.says(&format!("add sync s type={kind} source=h targetdb=B"));
        world.at("control", &format!("update bucardo.sync set deletemethod = '{method}'"));
        world.says(&format!("set copy_jobs={jobs}"));
        world.says("start");
        // CopyWorkers wait for some seconds.
        let ways = [("A", "t", "u"), ("B", "u", "t"), ("A", "u", "t"), ("B", "t", "u")];
        for (member, first, second) in &ways[..if jobs > 1 { 2 } else { 4 }] {
            world.says("kick s 0");
            let kid = world.pid("kid.sync.s.B");
            send(kid, Signal::SIGSTOP);
            world.at("A", "insert into t select count(*), 1 from t; insert into u select count(*) from u");
            let mut application = world.db(member);
            let take = |table: &str| format!("lock table {table} in access exclusive mode");
            application.batch_execute(&format!("set deadlock_timeout = 10; begin; {}", take(first))).unwrap();
            world.says("kick s");
            send(kid, Signal::SIGCONT);
            let waiting = format!("select count(*)::text from pg_locks where relation = '{first}'::regclass and not granted");
            wait_until("somebody waits for the table", PATIENCE, || (world.value(member, &waiting) != "0").then_some(()));
            application.batch_execute(&format!("{}; commit", take(second))).unwrap();
            world.says("kick s 0");
            equal(&world);
        }
    }
}

/// Somebody always has the table, one after another: there is no moment in which it could be had
/// without getting into line.
#[test]
fn a_table_that_is_taken_all_the_time_stops_no_round() {
    for (kind, mode) in [("swap", "share row exclusive"), ("pushdelta", "access exclusive")] {
        let world = World::with(&["A", "B"], &[]);
        world.says(&format!("add sync s type={kind} source=h targetdb=B"));
        world.says("start");
        world.says("kick s 0");
        let (over, taken) =
            (AtomicBool::new(false), format!("begin; lock table u in {mode} mode; select pg_sleep(0.03); commit"));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut taker = world.db("B");
                    while !over.load(Ordering::Relaxed) {
                        taker.batch_execute(&taken).unwrap();
                    }
                });
            }
            world.at("A", "insert into t values (1, 1); insert into u values (1)");
            let carried = std::panic::catch_unwind(|| world.says("kick s 0"));
            over.store(true, Ordering::Relaxed);
            carried.unwrap();
        });
        equal(&world);
        assert_eq!(world.value("control", "select count(*) from bucardo.q where aborted is not null"), "0");
    }
}

/// A round has the table of receipts, as any statement that reads rows for update has, until it
/// commits. A validation that waited for that table would let every other session of the KID wait
/// behind it, and the KID for these: no server would see that.
#[test]
fn a_validation_does_not_wait_for_the_table_of_receipts() {
    let world = World::with(&["A", "B"], &[]);
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says("start");
    world.says("kick s 0");
    let mut round = world.db("B");
    round.batch_execute("begin; lock table bucardo.bucardo_track in row share mode").unwrap();
    let mut writer = world.db("A");
    writer.batch_execute("begin; insert into t values (1)").unwrap();
    let running = world.installed.call("bucardo_ctl", &["validate", "s"]).start();
    running.wait().ended_with(0);
    world.says("reload s");
}

/// They wait behind a trigger that waits to be made, but not for as long as the transaction takes.
#[test]
fn writers_with_a_lock_timeout_are_not_refused_while_a_sync_is_made() {
    let world = World::with(&["A", "B"], &[]);
    let mut holds = world.db("A");
    holds.batch_execute("begin; insert into t values (0)").unwrap();
    let add = world.installed.call("bucardo_ctl", &["add", "sync", "s", "type=pushdelta", "source=h", "targetdb=B"]).start();
    let waits = "select exists (select from pg_locks where relation = 't'::regclass and not granted)";
    wait_until("the trigger waits for the table", PATIENCE, || (world.value("A", waits) == "true").then_some(()));
    let mut writer = world.db("A");
    writer.batch_execute("set lock_timeout = '500ms'").unwrap();
    for id in 1..=20 {
        writer.batch_execute(&format!("insert into t values ({id}); select pg_sleep(0.05)")).unwrap();
    }
    holds.batch_execute("commit").unwrap();
    add.wait().ended_with(0);
}

/// Of all that was made for it, the other tables' triggers among it, nothing is left; nor is the
/// new name of a sync known anywhere.
#[test]
fn a_sync_that_cannot_be_made_for_a_locked_table_leaves_nothing() {
    let world = World::with(&["A", "B"], &[]);
    let ours = "select (select count(*) from pg_trigger where tgname like 'bucardo%') || ' ' || coalesce(to_regnamespace('bucardo')::text, 'none')";
    let mut application = world.db("A");
    application.batch_execute("begin; lock table u in share mode").unwrap();
    let refused = world.run("add sync s type=pushdelta source=h targetdb=B").ended_with(255).stderr;
    assert!(refused.contains("Table \"public.u\" is locked by others"), "{refused}");
    for name in ["A", "B"] {
        assert_eq!(world.value(name, ours), "0 none", "on {name}");
    }
    application.batch_execute("commit").unwrap();
    world.says("add sync s type=pushdelta source=h targetdb=B");
    let before = world.value("A", ours);
    application.batch_execute("begin; lock table u in share mode").unwrap();
    let refused = world.run("update sync s name=other");
    assert_ne!(refused.code(), 0, "{}{}", refused.stdout, refused.stderr);
    assert_eq!(world.value("A", "select string_agg(sync, ' ') from bucardo.bucardo_delta_targets"), "s");
    assert_eq!(world.value("B", "select string_agg(sync, ' ') from bucardo.bucardo_track"), "s");
    application.batch_execute("commit").unwrap();
    assert_eq!(world.value("A", ours), before);
    world.says("start");
    world.at("A", "insert into t values (1, 1)");
    world.says("kick s 0");
    equal(&world);
    world.says("stop");
    world.says("remove sync s");
    assert_eq!(world.value("A", ours), "0 none");
}
