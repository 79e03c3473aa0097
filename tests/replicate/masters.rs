//! Several masters: changes flow from each to all others, and a row that was changed on more than
//! one has one winner everywhere.

use super::failpoints;
use crate::daemon::world::{PATIENCE, World, send};
use crate::harness::wait_until;
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

const ROWS: &str = "coalesce((select string_agg(id || ':' || counter, ' ' order by id) from t), 'none')";

/// A swap between A and B, which is there but does not run yet.
fn swap() -> World {
    let world = World::with(&["A", "B"], &[]);
    world.says("add sync s type=swap source=h targetdb=B");
    world
}

fn decide_by(world: &World, strategy: &str) {
    world.installed.control().execute("update bucardo.sync set conflict_strategy = $1", &[&strategy]).unwrap();
}

fn settles(world: &World, members: &[&str], expected: &str) {
    world.says("kick s 0");
    for name in members {
        assert_eq!(world.value(name, ROWS), expected, "on {name}");
    }
}

fn conflicts(world: &World) -> String {
    world.value(
        "control",
        "coalesce((select string_agg(key || '=' || coalesce(winner, '-'), ' ' order by key::int) from bucardo.conflict), 'none')",
    )
}

#[test]
fn changes_flow_both_ways() {
    let world = swap();
    world.says("start");
    world.at("A", "insert into t values (1, 10), (2, 20)");
    world.at("B", "insert into t values (3, 30); insert into u values (7)");
    settles(&world, &["A", "B"], "1:10 2:20 3:30");
    world.at("A", "delete from t where id = 3; update t set id = 5 where id = 1");
    world.at("B", "update t set counter = 21 where id = 2; delete from u");
    settles(&world, &["A", "B"], "2:21 5:10");
    assert_eq!(world.value("A", "select count(*) from u"), "0");
    world.at("B", "insert into t values (9)");
    world.becomes("A", "select count(*) from t", "3");
    assert_eq!(conflicts(&world), "none");
}

/// What A and B hold after both changed the same rows, A before B: row 1 by an update on both, row
/// 2 by a deletion on A and an update on B, row 3 by an insertion on both, row 4 by an update on A
/// and a deletion on B.
fn clash(strategy: &str) -> World {
    let world = swap();
    decide_by(&world, strategy);
    for name in ["A", "B"] {
        world.at(name, "set session_replication_role = replica; insert into t values (1), (2), (4)");
    }
    world.at("A", "update t set counter = 1 where id in (1, 4); delete from t where id = 2; insert into t values (3, 1)");
    world.at("B", "update t set counter = 2 where id in (1, 2); delete from t where id = 4; insert into t values (3, 2)");
    world.says("start");
    world
}

#[test]
fn a_large_backlog_on_both_sides_is_decided_by_one_pass_over_its_keys() {
    let world = swap();
    world.at("A", "insert into t select n, 1 from generate_series(1, 30000) as n");
    world.at("B", "insert into t select n, 2 from generate_series(29001, 60000) as n");
    world.says("start");
    // Looking for each key among all others would take an hour.
    world.says("kick s 0");
    for name in ["A", "B"] {
        let rows = world.value(name, "select count(*) || ' ' || sum(counter) from t");
        assert_eq!(rows, format!("60000 {}", 29000 + 31000 * 2), "on {name}");
    }
    assert_eq!(world.value("control", "select count(*) from bucardo.conflict"), "1000");
}

#[test]
fn the_source_wins_where_it_shall() {
    let world = clash("source");
    settles(&world, &["A", "B"], "1:1 3:1 4:1");
    assert_eq!(conflicts(&world), "1=A 2=A 3=A 4=A");
}

#[test]
fn the_target_wins_where_it_shall() {
    let world = clash("target");
    settles(&world, &["A", "B"], "1:2 2:2 3:2");
    assert_eq!(conflicts(&world), "1=B 2=B 3=B 4=B");
}

#[test]
fn the_latest_change_wins_where_nobody_says_otherwise() {
    let world = clash("latest");
    settles(&world, &["A", "B"], "1:2 2:2 3:2");
    world.at("A", "update t set counter = 8");
    settles(&world, &["A", "B"], "1:8 2:8 3:8");
    assert_eq!(world.value("control", "select count(*) from bucardo.conflict"), "4", "a change that was known is no conflict");
}

#[test]
fn masters_win_in_the_order_in_which_they_are_named() {
    for (list, winner) in [("B A", 2), ("A,B", 1), ("B", 2)] {
        let world = swap();
        world.says("remove sync s");
        assert_eq!(
            world
                .installed
                .bucardo(&["add", "sync", "s", "relgroup=h", "dbs=A:source,B:source", &format!("conflict_strategy={list}")])
                .code(),
            0
        );
        world.at("A", "insert into t values (1, 1)");
        world.at("B", "insert into t values (1, 2)");
        world.says("start");
        settles(&world, &["A", "B"], &format!("1:{winner}"));
    }
    let world = clash("C");
    assert_ne!(world.run("validate s").code(), 0, "C is no member");
}

#[test]
fn the_third_master_wins_where_it_is_named_before_the_others() {
    let world = World::new();
    world.says("add dbgroup g B C");
    world.installed.control().execute("update bucardo.dbmap set role = 'source'", &[]).unwrap();
    world.says("add sync s type=swap source=h targetgroup=g");
    decide_by(&world, "C A B");
    for (master, row) in [("C", 3), ("A", 1), ("B", 2)] {
        world.at(master, &format!("insert into t values (1, {row})"));
    }
    world.at("A", "insert into t values (2, 1)");
    world.at("B", "insert into t values (2, 2)");
    world.says("start");
    settles(&world, &["A", "B", "C"], "1:3 2:1");
}

#[test]
fn the_master_that_changed_anything_last_wins_all_where_it_shall() {
    let world = swap();
    decide_by(&world, "bucardo_latest_all_tables");
    for (master, statement) in
        [("A", "t values (1, 1)"), ("B", "t values (1, 2)"), ("B", "u values (1, 2)"), ("A", "u values (1, 1)")]
    {
        world.at(master, &format!("insert into {statement}"));
    }
    world.says("start");
    settles(&world, &["A", "B"], "1:1");
    assert_eq!(world.value("B", "select counter from u"), "1");
    assert_eq!(
        world.value("control", "select string_agg(strategy || winner, ' ') from bucardo.conflict"),
        "latest_all_tablesA latest_all_tablesA"
    );
    world.at("A", "update t set counter = 11; update u set counter = 11");
    world.becomes_equal("A", "B");
}

#[test]
fn chance_decides_the_same_for_all() {
    let world = clash("random");
    world.says("kick s 0");
    assert_eq!(world.value("A", ROWS), world.value("B", ROWS));
    assert_eq!(world.value("control", "select count(*) from bucardo.conflict where winner in ('A', 'B')"), "4");
}

#[test]
fn each_keeps_its_own_where_conflicts_are_skipped() {
    let world = clash("skip");
    world.at("A", "insert into t values (9)");
    world.says("kick s 0");
    assert_eq!(world.value("A", ROWS), "1:1 3:1 4:1 9:0");
    assert_eq!(world.value("B", ROWS), "1:2 2:2 3:2 9:0");
    assert_eq!(conflicts(&world), "1=- 2=- 3=- 4=-");
    world.at("B", "update t set counter = 5 where id = 1");
    settles_row(&world, "1:5");
}

fn settles_row(world: &World, row: &str) {
    world.says("kick s 0");
    for name in ["A", "B"] {
        assert!(world.value(name, ROWS).split(' ').any(|found| found == row), "{row} on {name}");
    }
}

#[test]
fn a_conflict_stops_the_sync_where_it_shall_until_somebody_decides() {
    let world = clash("abort");
    assert_ne!(world.run("kick s 20").code(), 0);
    assert_eq!((world.value("A", ROWS), world.value("B", ROWS)), ("1:1 3:1 4:1".into(), "1:2 2:2 3:2".into()));
    let reason = world.says("status s");
    assert!(reason.contains("4 rows changed on more than one database"), "{reason}");
    decide_by(&world, "source");
    world.says("reload s");
    settles(&world, &["A", "B"], "1:1 3:1 4:1");
}

/// Masters A, B and C, target D.
fn four() -> World {
    let world = World::with(&["A", "B", "C", "D"], &[]);
    world.says("add dbgroup g B C D");
    world.installed.control().execute("update bucardo.dbmap set role = 'source' where db <> 'D'", &[]).unwrap();
    world.says("add sync s type=swap source=h targetgroup=g");
    world.says("start");
    world
}

const ALL: [&str; 4] = ["A", "B", "C", "D"];

#[test]
fn two_rows_that_claim_the_same_unique_value_are_a_conflict_with_a_winner() {
    for (strategy, winner) in [("source", "1:anna"), ("target", "2:anna"), ("latest", "2:anna")] {
        let world = World::with(&["A", "B"], &[]);
        for name in ["A", "B"] {
            world.at(name, "create table people (id integer primary key, login text unique)");
        }
        world.says("add table people db=A herd=people");
        world.says("add sync s type=swap source=people targetdb=B");
        decide_by(&world, strategy);
        world.at("A", "insert into people values (1, 'anna'), (3, 'carl')");
        world.at("B", "insert into people values (2, 'anna'), (4, 'dora')");
        world.says("start");
        world.says("kick s 0");
        for name in ["A", "B"] {
            let rows = world.value(name, "select string_agg(id || ':' || login, ' ' order by login) from people");
            assert_eq!(rows, format!("{winner} 3:carl 4:dora"), "on {name}, {strategy}");
        }
        let record = world
            .value("control", "select string_agg(key || winner || (details::text like '%anna%'), ' ') from bucardo.conflict");
        assert_eq!(record, if strategy == "source" { "2Atrue" } else { "1Btrue" });
        world.at("B", "update people set login = 'emil' where id = 4");
        world.becomes("A", "select login from people where id = 4", "emil");
    }
}

#[test]
fn tables_that_inherit_from_one_of_the_sync_may_be_locked() {
    let world = swap();
    ["A", "B"].iter().for_each(|name| world.at(name, "create table heir () inherits (t)"));
    world.says("start");
    let mut locks = ["A", "B"].map(|name| world.db(name));
    locks.iter_mut().for_each(|client| client.batch_execute("begin; lock table heir").unwrap());
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from only t", "1");
    world.at("B", "insert into t values (2)");
    world.becomes("A", "select count(*) from only t", "2");
}

#[test]
fn a_conflict_on_record_outlives_a_crash_of_the_control_database() {
    let mut world = World::with(&[], &["A", "B"]);
    world.says("add sync s type=swap source=h targetdb=B");
    let mut server = world.installed.cluster.connect("postgres");
    server.batch_execute("alter system set wal_writer_delay = '10s'").unwrap();
    server.batch_execute("select pg_reload_conf()").unwrap();
    world.at("A", "insert into t values (1, 10)");
    world.at("B", "insert into t values (1, 20)");
    world.says("start");
    world.becomes("A", ROWS, "1:20");
    world.installed.cluster.kill();
    world.installed.cluster.start();
    assert_eq!(conflicts(&world), "1=B");
}

#[test]
fn the_record_of_a_conflict_holds_all_rows_where_that_is_wanted() {
    let world = swap();
    world.says("set log_conflict_details=1");
    world.at("A", "insert into t values (1, 10), (2, 20)");
    world.at("B", "insert into t values (1, 11), (2, 21); delete from t where id = 2");
    world.says("start");
    world.says("kick s 0");
    let details = "select string_agg(details::text, ' ' order by key) from bucardo.conflict";
    let rows = r#"{"A": {"id": 1, "counter": 10}, "B": {"id": 1, "counter": 11}} {"A": {"id": 2, "counter": 20}, "B": null}"#;
    assert_eq!(world.value("control", details), rows);
}

#[test]
fn the_record_of_a_conflict_with_a_row_that_came_late_holds_both_rows_as_well() {
    let world = World::with(&["A", "B"], &[]);
    world.says("add sync s type=swap source=h targetdb=B");
    world.says("set log_conflict_details=1");
    failpoints::start(&world);
    world.says("kick s 0");
    world.says("deactivate s 0");
    world.at("A", "insert into t values (1, 10), (2, 20)");
    let wish = failpoints::wish(&world, "Apply", "stop");
    world.says("activate s 0");
    wait_until("the kid stands still", PATIENCE, || (!wish.exists()).then_some(()));
    world.at("B", "insert into t values (1, 11), (2, 21); delete from t where id = 2");
    send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
    settles(&world, &["A", "B"], "1:11");
    let details = "select string_agg(details::text, ' ' order by key) from bucardo.conflict";
    let rows = r#"{"A": {"id": 1, "counter": 10}, "B": {"id": 1, "counter": 11}} {"A": {"id": 2, "counter": 20}, "B": null}"#;
    assert_eq!(world.value("control", details), rows);
}

#[test]
fn three_masters_and_a_target_agree() {
    let world = four();
    for (n, name) in ["A", "B", "C"].iter().enumerate() {
        world.at(name, &format!("insert into t values ({n}, {n})"));
    }
    settles(&world, &ALL, "0:0 1:1 2:2");
    world.says("deactivate s 0");
    for (n, name) in ["A", "B", "C"].iter().enumerate() {
        world.at(name, &format!("update t set counter = 100 + {n}; delete from t where id = {n}"));
    }
    world.says("activate s 0");
    settles(&world, &ALL, "0:102 1:102");
    assert_eq!(conflicts(&world), "0=C 1=C 2=C");
    world.at("C", "insert into t values (50)");
    world.becomes("D", "select count(*) from t", "3");
}

#[test]
fn what_one_of_many_masters_refuses_reaches_none_and_everything_does_when_it_may() {
    let world = four();
    world.says("deactivate s 0");
    world.at("C", "alter table t add constraint small check (counter < 5)");
    world.at("A", "insert into t select n, 1 from generate_series(1, 1500) as n; insert into t values (5000, 9)");
    world.at("B", "insert into t select n, 2 from generate_series(1401, 2900) as n");
    world.at("C", "insert into t select n, 3 from generate_series(2801, 4300) as n");
    world.says("activate s 0");
    let refused =
        "select count(*) > 0 from bucardo.q where aborted is not null and whydie ~ 'table public.t.*constraint .*small'";
    world.becomes("control", refused, "true");
    let held = |name| world.value(name, "select count(*) || ' ' || sum(counter) from t");
    assert_eq!(["A", "B", "C"].map(held), ["1501 1509", "1500 3000", "1500 4500"]);
    world.at("C", "alter table t drop constraint small");
    for name in ALL {
        world.becomes(name, "select count(*) || ' ' || sum(counter) from t", "4301 8709");
    }
    assert_eq!(
        world.value(
            "control",
            "select string_agg(n || winner, ' ' order by winner) from
        (select count(*) as n, winner from bucardo.conflict group by winner) as won"
        ),
        "100B 100C"
    );
}

#[test]
fn the_first_master_feeds_the_target_also_while_the_masters_are_held_up() {
    let world = four();
    world.says("kick s 0");
    let kid = world.pid("kid.sync.s.B");
    send(kid, Signal::SIGSTOP);
    world.at("A", "insert into t values (1)");
    world.becomes("D", "select count(*) from t", "1");
    send(kid, Signal::SIGCONT);
    settles(&world, &ALL, "1:0");
}

#[test]
fn a_truncate_that_spares_a_row_on_a_master_spares_it_on_the_target_that_has_it_already() {
    let world = four();
    world.says("kick s 0");
    let kid = world.pid("kid.sync.s.B");
    send(kid, Signal::SIGSTOP);
    world.at("C", "insert into t values (1); truncate t");
    world.at("A", "insert into t values (2)");
    world.becomes("D", "select count(*) from t", "1");
    send(kid, Signal::SIGCONT);
    settles(&world, &ALL, "2:0");
    world.says("kick s 0");
    settles(&world, &ALL, "2:0");
}

#[test]
fn a_truncate_on_one_master_or_both_empties_all_but_what_is_new() {
    let world = swap();
    world.says("start");
    world.at("A", "insert into t select generate_series(1, 5)");
    settles(&world, &["A", "B"], "1:0 2:0 3:0 4:0 5:0");
    world.says("deactivate s 0");
    world.at("A", "truncate t; insert into t values (6)");
    world.at("B", "insert into t values (7); update t set counter = 1 where id = 2");
    world.says("activate s 0");
    settles(&world, &["A", "B"], "2:1 6:0 7:0");
    world.says("deactivate s 0");
    world.at("A", "truncate t; insert into t values (8)");
    world.at("B", "truncate t; insert into t values (9)");
    world.says("activate s 0");
    settles(&world, &["A", "B"], "8:0 9:0");
}

#[test]
fn a_truncate_on_one_master_spares_the_row_that_somebody_is_just_changing_on_the_other() {
    let world = swap();
    world.says("start");
    world.at("A", "insert into t values (1), (2)");
    settles(&world, &["A", "B"], "1:0 2:0");
    let mut writer = world.db("B");
    writer.batch_execute("begin; update t set counter = 5 where id = 1").unwrap();
    world.at("A", "truncate t");
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    world.becomes("B", waits, "1");
    writer.batch_execute("commit").unwrap();
    settles(&world, &["A", "B"], "1:5");
    world.at("A", "truncate t");
    settles(&world, &["A", "B"], "none");
}

#[test]
fn a_truncate_on_one_master_gets_through_while_the_other_is_written_to_and_spares_what_is_written_after_it() {
    let world = swap();
    world.says("start");
    world.at("A", "insert into t select generate_series(1, 50)");
    world.says("kick s 0");
    let (truncated, done) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (mut client, mut written) = (world.db("B"), BTreeSet::new());
            for n in 0.. {
                let (id, after) = (n % 50 + 1, truncated.load(Ordering::Relaxed));
                let rows = client.execute("update t set counter = counter + 1 where id = $1", &[&id]).unwrap();
                written.extend((after && rows > 0).then_some(id));
                if done.load(Ordering::Relaxed) {
                    return written;
                }
            }
            written
        });
        let through = std::panic::catch_unwind(|| {
            world.at("A", "truncate t");
            truncated.store(true, Ordering::Relaxed);
            world.says("kick s 0");
        });
        done.store(true, Ordering::Relaxed);
        let written = writer.join().unwrap();
        through.unwrap();
        world.says("kick s 0");
        let left = world.value("A", "coalesce((select string_agg(id::text, ' ') from t), '')");
        assert!(
            written.iter().all(|id| left.split(' ').any(|one| one == id.to_string())),
            "{written:?} were written, {left} are left"
        );
        assert_eq!(world.value("A", ROWS), world.value("B", ROWS));
    });
}

#[test]
fn rows_that_are_written_all_the_time_on_both_masters_hold_nobody_up_and_are_equal_when_it_is_over() {
    let world = swap();
    world.at("A", "insert into t select generate_series(1, 50)");
    world.says("start");
    world.says("kick s 0");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (name, seed) in [("A", 1_u32), ("A", 2), ("B", 3), ("B", 4)] {
            let (mut client, done) = (world.db(name), &done);
            scope.spawn(move || {
                let mut random = seed;
                while !done.load(Ordering::Relaxed) {
                    random = random.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                    let id = i32::try_from(random >> 16).unwrap() % 50 + 1;
                    let statement = match random % 7 {
                        0 => "delete from t where id = $1",
                        1 => "insert into t values ($1) on conflict do nothing",
                        _ => "update t set counter = counter + 1 where id = $1",
                    };
                    client.execute(statement, &[&id]).ok();
                    client.execute("select pg_sleep(0.001)", &[]).unwrap();
                }
            });
        }
        let advances = std::panic::catch_unwind(|| {
            for mark in 0..6 {
                let (here, there) = if mark % 2 == 0 { ("A", "B") } else { ("B", "A") };
                world.at(here, &format!("insert into u values ({mark})"));
                world.becomes(there, &format!("select count(*) from u where id = {mark}"), "1");
            }
        });
        done.store(true, Ordering::Relaxed);
        advances.unwrap();
    });
    world.says("kick s 0");
    assert_eq!(world.value("A", ROWS), world.value("B", ROWS));
    assert_ne!(conflicts(&world), "none");
}

#[test]
fn a_sequence_that_gives_out_numbers_meanwhile_does_not_go_back_where_the_highest_wins() {
    let world = World::with(&["A", "B"], &[]);
    for name in ["A", "B"] {
        world.at(name, "create sequence numbers");
    }
    world.says("add sequence numbers db=A herd=h");
    world.says("add sync s type=swap source=h targetdb=B");
    world.says("start");
    world.says("kick s 0");
    let mut holder = world.db("B");
    holder.batch_execute("begin; alter sequence numbers owned by none").unwrap();
    world.at("A", "select setval('numbers', 50); insert into t values (1)");
    world.becomes("B", "select count(*) from pg_locks where not granted and relation = 'numbers'::regclass", "1");
    holder.batch_execute("select setval('numbers', 1000); commit").unwrap();
    world.says("kick s 0");
    for name in ["A", "B"] {
        world.becomes(name, "select last_value from numbers", "1000");
    }
}

#[test]
fn what_a_sync_says_of_conflicts_counts_for_its_sequences_where_it_means_anything() {
    for (strategy, value) in [("source", "5"), ("target", "3"), ("latest", "5")] {
        let world = World::with(&["A", "B"], &[]);
        for (name, value) in [("A", 5), ("B", 3)] {
            world.at(name, &format!("create sequence sq; select setval('sq', {value})"));
        }
        world.says("add sequence sq db=A herd=h");
        world.says(&format!("add sync s type=swap source=h targetdb=B conflict_strategy={strategy}"));
        world.says("start");
        world.at("A", "insert into t values (1)");
        world.says("kick s 0");
        for name in ["A", "B"] {
            assert_eq!(world.value(name, "select last_value from sq"), value, "on {name}, {strategy}");
        }
    }
}
