//! Three masters, rows that claim the same unique value, and a kid that dies when the first master
//! has committed: the others end as that one did, and whatever lost is on record.

use super::failpoints::{STEPS, dies_at, start, wish};
use crate::daemon::world::{PATIENCE, World, send};
use crate::harness::wait_until;
use nix::sys::signal::Signal;

const ROWS: &str = "select coalesce(string_agg(id || ':' || login, ' ' order by id), '') from people";

fn with_people(strategy: &str) -> World {
    let world = World::with(&["A", "B", "C"], &[]);
    for name in ["A", "B", "C"] {
        world.at(name, "create table people (id integer primary key, login text unique)");
    }
    world.says("add table people db=A herd=people");
    world.says("add dbgroup g B C");
    world.installed.control().execute("update bucardo.dbmap set role = 'source'", &[]).unwrap();
    world.says(&format!("add sync s type=swap source=people targetgroup=g conflict_strategy={strategy}"));
    start(&world);
    world
}

type Rows<'a> = &'a [(&'a str, &'a str)];

fn insert(world: &World, rows: Rows) {
    for (master, row) in rows {
        world.at(master, &format!("insert into people values {row}"));
    }
}

/// Writes rows, one after another, of which the first master gets those that win; then the kid
/// dies, and `later` rows are written. Says with what all masters end, and which keys of whom lost.
fn ends_with(strategy: &str, rows: Rows, later: Rows, expected: &str, losers: &str) {
    let world = with_people(strategy);
    world.says("deactivate s 0");
    insert(&world, rows);
    let committed = wish(&world, "ReceiverCommitted", "stop");
    world.says("activate s 0");
    wait_until("a kid stands still when A has committed", PATIENCE, || (!committed.exists()).then_some(()));
    let begins = wish(&world, "BeforeCheckRows", "stop");
    world.end("kid.sync.s.B", Signal::SIGKILL);
    wait_until("the next kid stands still", PATIENCE, || (!begins.exists()).then_some(()));
    insert(&world, later);
    send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
    for name in ["A", "B", "C"] {
        world.becomes(name, ROWS, expected);
    }
    world.becomes_quiet();
    let lost =
        "select string_agg(distinct c.key || l.key, ' ') from bucardo.conflict c, jsonb_each(changes) l where l.key <> winner";
    assert_eq!(world.value("control", lost), losers, "{strategy}: {rows:?} {later:?}");
}

#[test]
fn a_winner_that_only_the_first_master_got_wins_over_its_rivals_elsewhere() {
    let rows = [("A", "(26, 'anna')"), ("B", "(9, 'bert')"), ("C", "(26, 'bert')")];
    ends_with("latest", &rows, &[], "26:bert", "26A 9B");
    ends_with("target", &rows, &[], "26:bert", "26A 9B");
}

#[test]
fn a_row_that_only_the_first_master_got_meets_later_rivals_as_the_change_of_its_own_master() {
    let (row, rival) = ([("C", "(26, 'bert')")], [("B", "(9, 'bert')")]);
    ends_with("latest", &row, &rival, "9:bert", "26C");
    ends_with("source", &row, &rival, "9:bert", "26C");
    ends_with("target", &row, &rival, "26:bert", "9B");
    ends_with("C,B,A", &row, &rival, "26:bert", "9B");
}

/// What the masters write at the same time, in round `n`: one row on two of them, one unique value
/// on two, and a row that one changes and another deletes.
fn write(world: &World, n: usize) {
    world.at(
        "A",
        &format!(
            "insert into people values ({n}1, 'anna{n}'), ({n}2, 'carl{n}'); update people set login = 'dora{n}' where id = -{n}"
        ),
    );
    world.at("B", &format!("insert into people values ({n}1, 'bert{n}'); delete from people where id = -{n}"));
    world.at("C", &format!("insert into people values ({n}3, 'carl{n}')"));
}

#[test]
fn three_masters_become_equal_and_no_conflict_is_forgotten_wherever_a_kid_dies() {
    let world = with_people("latest");
    world.at("A", "insert into people select -n, 'old' || n from generate_series(1, 13) n");
    world.says("kick s 0");
    for (n, step) in (1..).zip(STEPS) {
        dies_at(&world, step, || write(&world, n));
        let rows =
            format!("select string_agg(id || ':' || login, ' ' order by id) from people where id in (-{n}, {n}1, {n}2, {n}3)");
        for name in ["A", "B", "C"] {
            world.becomes(name, &rows, &format!("{n}1:bert{n} {n}3:carl{n}"));
        }
        let losers = format!(
            "select string_agg(distinct c.key || l.key, ' ' order by c.key || l.key) from bucardo.conflict c, jsonb_each(changes) l \
             where l.key <> winner and c.key in ('-{n}', '{n}1', '{n}2', '{n}3')"
        );
        assert_eq!(world.value("control", &losers), format!("-{n}A {n}1A {n}2A"), "after a death at {step}");
    }
    world.becomes_quiet();
}

/// A kid dies when A and B have committed the copy of A's rows, and C has not. What is written on B
/// until the next kid looks is no less than what is written there at any other moment; and C, which
/// is as empty as before, gets its copy.
#[test]
fn what_a_master_wrote_after_its_copy_is_not_copied_over_when_the_next_one_gets_its_copy() {
    let old = "insert into people values (3, 'old')";
    let news = "insert into people values (5, 'new on B'); delete from people where id = 2";
    for (once, rows, on_b, expected) in [
        ("onetimecopy=1", old, news, "1:anna 5:new on B 6:new on A"),
        ("onetimecopy=2", "", news, "1:anna 5:new on B 6:new on A"),
        ("onetimecopy=1", old, "", "1:anna 2:bert 6:new on A"),
    ] {
        let world = World::with(&["A", "B", "C"], &[]);
        for name in ["A", "B", "C"] {
            world.at(name, "create table people (id integer primary key, login text)");
            world.at(name, rows);
        }
        world.at("A", "delete from people; insert into people values (1, 'anna'), (2, 'bert')");
        world.says("add table people db=A herd=people");
        world.says("add dbgroup g B C");
        world.installed.control().execute("update bucardo.dbmap set role = 'source'", &[]).unwrap();
        world.says(&format!("add sync s type=swap source=people targetgroup=g {once}"));
        let first = wish(&world, "ReceiverCommitted", "stop");
        start(&world);
        wait_until("a kid stands still when A has committed", PATIENCE, || (!first.exists()).then_some(()));
        let second = wish(&world, "ReceiverCommitted", "stop");
        send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
        wait_until("it stands still when B has committed", PATIENCE, || (!second.exists()).then_some(()));
        let begins = wish(&world, "BeforeCheckRows", "stop");
        world.end("kid.sync.s.B", Signal::SIGKILL);
        wait_until("the next kid stands still", PATIENCE, || (!begins.exists()).then_some(()));
        world.at("B", on_b);
        world.at("A", "insert into people values (6, 'new on A')");
        send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
        for name in ["A", "B", "C"] {
            world.becomes(name, ROWS, expected);
        }
        world.becomes_quiet();
    }
}

/// A has committed what B and C had inserted, B and C have not, when A empties the table. So A's
/// TRUNCATE is about these rows; but not about one that C inserts now under a key of B's.
#[test]
fn a_truncate_is_about_the_rows_that_its_master_had_got_when_a_kid_died() {
    let world = with_people("latest");
    world.says("deactivate s 0");
    insert(&world, &[("B", "(1, 'b')"), ("C", "(2, 'c')")]);
    let committed = wish(&world, "ReceiverCommitted", "stop");
    world.says("activate s 0");
    wait_until("a kid stands still when A has committed", PATIENCE, || (!committed.exists()).then_some(()));
    let begins = wish(&world, "BeforeCheckRows", "stop");
    world.end("kid.sync.s.B", Signal::SIGKILL);
    wait_until("the next kid stands still", PATIENCE, || (!begins.exists()).then_some(()));
    world.at("A", "truncate people");
    insert(&world, &[("C", "(1, 'later')")]);
    send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
    for name in ["A", "B", "C"] {
        world.becomes(name, ROWS, "1:later");
    }
    world.becomes_quiet();
}
