//! Two operators type the same thing, or opposite things, at the same time.

use crate::cli::world::World;
use crate::daemon::world::World as Running;
use crate::harness::{Installed, Outcome, wait_until};
use std::time::Duration;

/// Runs the lines at the same time.
fn together(installed: &Installed, lines: &[&str]) -> Vec<Outcome> {
    let started: Vec<_> =
        lines.iter().map(|line| installed.call("bucardo_ctl", &line.split(' ').collect::<Vec<_>>()).start()).collect();
    started.into_iter().map(|running| running.wait()).collect()
}

/// How many of the lines, started together, ended well; the others must have complained in a
/// sentence with advice.
fn winners(installed: &Installed, lines: &[&str]) -> usize {
    let outcomes = together(installed, lines);
    for outcome in outcomes.iter().filter(|outcome| outcome.code() != 0) {
        assert!(outcome.stderr.contains("HINT: ") && !outcome.stderr.contains("panicked"), "{}", outcome.stderr);
        assert_eq!(outcome.stdout, "", "a loser has done something");
    }
    outcomes.iter().filter(|outcome| outcome.code() == 0).count()
}

fn twice(line: &str) -> [&str; 2] {
    [line, line]
}

#[test]
fn of_two_who_add_the_same_one_wins_or_both_agree() {
    let world = World::with_dbs();
    for round in 0..5 {
        let table = ["t1", "t2", "uniq", "sc.t1", "sc.t3"][round];
        assert_eq!(winners(&world, &twice(&format!("add table {table} db=A"))), 2);
        let herd = format!("add herd h{round} {table}");
        assert!(winners(&world, &[&herd, &herd]) >= 1);
        assert!(winners(&world, &twice(&format!("add dbgroup g{round} B C"))) >= 1);
        let sync = format!("add sync s{round} type=pushdelta source=h{round} targetdb=B");
        assert_eq!(winners(&world, &[&sync, &sync]), 1);
        let db = format!("add db d{round} dbhost=127.0.0.1 dbport=1 status=inactive");
        assert_eq!(winners(&world, &[&db, &db]), 1);
    }
    assert_eq!(winners(&world, &["add all tables db=B herd=all"; 2]), 2);
    let counts =
        "select (select count(*) from bucardo.goat where db = 'A') || ' ' || (select count(*) from bucardo.goat where db = 'B')
        || ' ' || (select count(*) from bucardo.herdmap) || ' ' || (select count(*) from bucardo.sync)";
    assert_eq!(world.value(counts), "5 7 12 5");
}

#[test]
fn adding_and_removing_at_the_same_time_leaves_either_all_of_it_or_nothing() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    for _ in 0..5 {
        world.says("add sync s type=pushdelta source=h targetdb=B");
        together(&world, &["remove sync s", "add sync s type=pushdelta source=h targetdb=B", "update sync s priority=3"]);
        let is_there = world.value("select count(*) from bucardo.sync") == "1";
        if is_there {
            world.says("validate s");
            world.says("remove sync s");
        }
        let left = "select count(*) from pg_trigger where tgrelid = 't1'::regclass";
        assert_eq!(world.cluster.connect("a").query_one(left, &[]).unwrap().get::<_, i64>(0), 0, "it was there: {is_there}");
        assert_eq!(world.value("select count(*) from bucardo.place"), "0");
        together(&world, &["remove table t1", "add herd h t1", "add table t1 db=A"]);
        world.run("add table t1 db=A");
        world.run("add herd h t1");
        assert_eq!(world.value("select count(*) from bucardo.herdmap m join bucardo.goat g on g.id = m.goat"), "1");
    }
}

#[test]
fn several_who_start_get_one_daemon() {
    let world = Running::new();
    world.says("add sync s source=h targetdb=B type=pushdelta");
    for line in ["start first", "restart again", "start third", "start fourth"] {
        for outcome in together(&world.installed, &[line; 3]) {
            assert!(outcome.code() == 0 || outcome.stderr.contains("HINT: "), "{}", outcome.stderr);
        }
        let masters = wait_until("a daemon answers", Duration::from_secs(30), || {
            world.installed.ctl(&["ping", "5"]).stdout.starts_with("OK").then(|| masters(&world))
        });
        assert_eq!(masters, 1, "after {line}");
        assert_eq!(world.installed.ctl(&["kick", "s", "20"]).code(), 0);
    }
    world.says("stop");
    wait_until("it is gone", Duration::from_secs(20), || world.pid_now("mcp").is_none().then_some(()));
}

/// Masters among the processes of this test.
fn masters(world: &Running) -> usize {
    let ours = world.installed.dir().display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let is_master = |process: &std::path::PathBuf| {
        let read = |file: &str| String::from_utf8_lossy(&std::fs::read(process.join(file)).unwrap_or_default()).into_owned();
        read("cmdline").starts_with("Bucardo Master Control Program") && read("environ").contains(&ours)
    };
    processes.filter(is_master).count()
}
