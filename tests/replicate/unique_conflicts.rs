//! Rows of different masters with different keys that cannot both stay.

use super::failpoints::{start, wish};
use crate::daemon::world::{PATIENCE, World, send};
use crate::harness::wait_until;
use nix::sys::signal::Signal;

const ROWS: &str = "select coalesce(string_agg(id || ':' || a || coalesce(':' || b, ''), ' ' order by id), '') from people";

/// These masters and a sync of table `people`, which is made so.
fn with_people(masters: &[&str], table: &str) -> World {
    let world = World::with(masters, &[]);
    for name in masters {
        world.at(name, table);
    }
    world.says("add table people db=A herd=people");
    match masters {
        [_, other] => {
            world.says(&format!("add sync s type=swap source=people targetdb={other}"));
        }
        [_, others @ ..] => {
            world.says(&format!("add dbgroup g {}", others.join(" ")));
            world.installed.control().execute("update bucardo.dbmap set role = 'source'", &[]).unwrap();
            world.says("add sync s type=swap source=people targetgroup=g");
        }
        [] => unreachable!(),
    }
    world
}

/// Writes rows, one after another, and says with what all masters end.
fn end_with(masters: &[&str], table: &str, rows: &[(&str, &str)], expected: &str) {
    let world = with_people(masters, table);
    for (master, row) in rows {
        world.at(master, &format!("insert into people values {row}"));
    }
    world.says("start");
    world.says("kick s 0");
    for master in masters {
        assert_eq!(world.value(master, ROWS), expected, "on {master}: {table}; {rows:?}");
    }
    world.becomes_quiet();
}

const TWO_INDEXES: &str = "create table people (id integer primary key, a text, b text); create unique index p1 on people (a); create unique index p2 on people (b)";

#[test]
fn who_wins_over_one_rival_and_loses_against_another_takes_nobody_along() {
    end_with(&["A", "B"], TWO_INDEXES, &[("B", "(1, 'x', 'p')"), ("A", "(2, 'x', 'q')"), ("B", "(3, 'z', 'q')")], "1:x:p 3:z:q");
    end_with(&["A", "B"], TWO_INDEXES, &[("A", "(3, 'q', 'y')"), ("B", "(2, 'x', 'y')"), ("A", "(1, 'x', 'p')")], "1:x:p 3:q:y");
}

#[test]
fn three_masters_agree_on_a_chain_of_rivals() {
    end_with(
        &["A", "B", "C"],
        TWO_INDEXES,
        &[("C", "(3, 'q', 'y')"), ("B", "(2, 'x', 'y')"), ("A", "(1, 'x', 'p')")],
        "1:x:p 3:q:y",
    );
}

#[test]
fn whatever_form_a_constraint_has_one_of_two_rows_wins() {
    for (constraint, loser, winner) in [
        ("create unique index on people (lower(a))", "(1, 'Anna')", "(2, 'anna')"),
        ("create unique index on people (a) where b = 'now'", "(1, 'x', 'now')", "(2, 'x', 'now')"),
        ("create unique index on people (a collate \"C\", lower(b))", "(1, 'x', 'B')", "(2, 'x', 'b')"),
        (
            "alter table people add exclude using gist (box(point(length(a), 0), point(length(a) + 2, 1)) with &&)",
            "(1, 'x')",
            "(2, 'yy')",
        ),
    ] {
        let table = format!("create table people (id integer primary key, a text, b text); {constraint}");
        let kept = winner.trim_matches(['(', ')']).replace(", ", ":").replace('\'', "");
        end_with(&["A", "B"], &table, &[("A", loser), ("B", winner)], &kept);
    }
    let table = "create table people (id integer primary key, a text, b text); create unique index on people (a) where b = 'now'";
    end_with(&["A", "B"], table, &[("A", "(1, 'x', 'now')"), ("B", "(2, 'x', 'then')")], "1:x:now 2:x:then");
}

#[test]
fn where_null_equals_null_only_one_row_may_have_it() {
    let table = "create table people (id integer primary key, a text not null, b text unique nulls not distinct)";
    if World::with(&["A"], &[]).server("A").major() >= 15 {
        end_with(&["A", "B"], table, &[("A", "(1, 'x', null)"), ("B", "(2, 'y', null)")], "2:y");
    }
}

#[test]
fn a_row_that_is_inserted_on_the_other_master_at_the_same_time_kills_no_kid() {
    let world = with_people(&["A", "B"], TWO_INDEXES);
    world.says("start");
    world.says("kick s 0");
    let mut other = world.db("B");
    other.batch_execute("begin; insert into people values (5, 'x', 'b')").unwrap();
    world.at("A", "insert into people values (5, 'y', 'a')");
    let waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
    wait_until("the kid waits for the other row", PATIENCE, || (world.value("B", waits) == "1").then_some(()));
    other.batch_execute("commit").unwrap();
    world.says("kick s 0");
    assert_eq!(world.value("A", ROWS), world.value("B", ROWS));
    assert_eq!(world.value("control", "select count(*) from bucardo.q where aborted is not null"), "0");
}

/// The kid has read what both wrote when the row that wins changes once more, so that on its own
/// master it is no rival any more.
#[test]
fn a_row_that_lost_on_one_master_is_gone_on_the_other_although_its_rival_was_changed_there_meanwhile() {
    for (later, left) in [("update people set a = 'y' where id = 1", "1:y"), ("delete from people where id = 1", "")] {
        for (loses, wins) in [("A", "B"), ("B", "A")] {
            let world = with_people(&["A", "B"], "create table people (id integer primary key, a text unique, b text)");
            start(&world);
            world.says("deactivate s 0");
            world.at(loses, "insert into people values (2, 'x')");
            world.at(wins, "insert into people values (1, 'x')");
            let wish = wish(&world, "Apply", "stop");
            world.says("activate s 0");
            wait_until("the kid stands still", PATIENCE, || (!wish.exists()).then_some(()));
            world.at(wins, later);
            send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
            world.says("kick s 0");
            for name in ["A", "B"] {
                world.becomes(name, ROWS, left);
            }
            assert_eq!(world.value("control", "select string_agg(key || winner, ' ') from bucardo.conflict"), format!("2{wins}"));
            world.becomes_quiet();
        }
    }
}

/// A row came in between that beats one which beats another: on its own master the last one is
/// safe, elsewhere nobody knows of that.
#[test]
fn a_row_that_comes_in_between_and_decides_a_chain_of_rivals_decides_it_for_all() {
    let world = with_people(&["A", "B"], TWO_INDEXES);
    start(&world);
    world.says("deactivate s 0");
    world.at("B", "insert into people values (2, 'y', 'p')");
    world.at("A", "insert into people values (1, 'x', 'p')");
    let wish = wish(&world, "Apply", "stop");
    world.says("activate s 0");
    wait_until("the kid stands still", PATIENCE, || (!wish.exists()).then_some(()));
    world.at("B", "insert into people values (3, 'x', 'q')");
    send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
    world.logs("concurrent change to table public.people decides which rows stay");
    world.says("kick s 0");
    for name in ["A", "B"] {
        world.becomes(name, ROWS, "2:y:p 3:x:q");
    }
    assert_eq!(world.value("control", "select string_agg(key || winner, ' ') from bucardo.conflict"), "1B");
    world.becomes_quiet();
}

/// Within our statements the tables have short names, which their columns may have as well.
#[test]
fn the_record_holds_the_row_that_lost_whatever_its_columns_are_called() {
    let world = with_people(&["A", "B"], "create table people (id integer primary key, a text unique, b text, t text, w text)");
    world.says("set log_conflict_details=1");
    start(&world);
    world.says("deactivate s 0");
    world.at("A", "insert into people values (1, 'x', '-', 'tea', 'water'), (3, 'y', '-', 'tea', 'water')");
    world.at("B", "insert into people values (2, 'x', '-', 'tar', 'wine'), (3, 'z', '-', 'tar', 'wine')");
    world.says("activate s 0");
    world.says("kick s 0");
    for name in ["A", "B"] {
        assert_eq!(world.value(name, ROWS), "2:x:- 3:z:-");
    }
    let kept = "select string_agg(distinct c.key || d.key || (d.value ->> 't') || (d.value ->> 'w'), ' ') \
        from bucardo.conflict c, jsonb_each(details) d where d.key <> winner";
    assert_eq!(world.value("control", kept), "1Ateawater 3Ateawater");
}

/// The kid has read what both wrote when the row that wins changes once more where the one that
/// loses is, and wins there once more: there it never meets the other, elsewhere it did. So it is,
/// too, when the kid dies after one of them has committed.
#[test]
fn a_row_that_lost_elsewhere_is_gone_where_it_was_written_although_its_rival_was_written_over_there() {
    for (later, left) in [("update people set a = 'y' where id = 1", "1:y"), ("delete from people where id = 1", "")] {
        for (loses, wins, dies) in [("A", "B", false), ("B", "A", false), ("A", "B", true), ("B", "A", true)] {
            let world = with_people(&["A", "B"], "create table people (id integer primary key, a text unique, b text)");
            start(&world);
            world.at("A", "insert into people values (1, 'old')");
            world.says("kick s 0");
            world.says("deactivate s 0");
            world.at(loses, "insert into people values (2, 'x')");
            world.at(wins, "update people set a = 'x' where id = 1");
            let stop = wish(&world, "Apply", "stop");
            world.says("activate s 0");
            wait_until("the kid stands still", PATIENCE, || (!stop.exists()).then_some(()));
            world.at(loses, later);
            let death = dies.then(|| wish(&world, "ReceiverCommitted", ""));
            send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
            wait_until("the kid dies", PATIENCE, || death.as_ref().is_none_or(|death| !death.exists()).then_some(()));
            world.says("kick s 0");
            // A has committed, and what it committed says nothing of the row that would have lost
            // on B: nobody claims its value any more.
            let both = format!("{left} 2:x");
            let left = if dies && loses == "A" { both.trim() } else { left };
            for name in ["A", "B"] {
                world.becomes(name, ROWS, left);
            }
            let told = "select string_agg(distinct key || winner, ' ' order by key || winner) from bucardo.conflict";
            assert_eq!(world.value("control", told), format!("1{loses} 2{wins}"));
            world.becomes_quiet();
        }
    }
}

/// Rows are written before a round and while it runs; a row gives way to another, which then loses
/// its own key to a later change.
#[test]
fn three_masters_agree_where_a_row_gave_way_to_one_that_did_not_stay() {
    type Writes<'a> = &'a [(&'a str, &'a str)];
    let take = "update people set a = 'm1' where id = 3";
    let histories: [(&str, Writes, Writes); 3] = [
        (
            "(3, 'm3')",
            &[("C", take)],
            &[("B", "insert into people values (4, 'm1')"), ("C", "insert into people values (4, 'm2')")],
        ),
        (
            "(1, 'm2'), (3, 'm3')",
            &[("C", take), ("B", "insert into people values (4, 'm1')")],
            &[("C", "update people set b = 'c' where id = 3"), ("B", "update people set b = 'b' where id = 3")],
        ),
        (
            "(2, 'm0')",
            &[("B", "update people set a = 'm2' where id = 2; insert into people values (3, 'm1')")],
            &[("A", "insert into people values (1, 'm1')"), ("C", "insert into people values (1, 'm3')")],
        ),
    ];
    for (first, before, during) in histories {
        for step in ["BeforeTriggerDrop", "Apply"] {
            let world = with_people(&["A", "B", "C"], "create table people (id integer primary key, a text unique, b text)");
            start(&world);
            world.at("A", &format!("insert into people values {first}"));
            world.says("kick s 0");
            world.says("deactivate s 0");
            before.iter().for_each(|(master, sql)| world.at(master, sql));
            let stop = wish(&world, step, "stop");
            world.says("activate s 0");
            wait_until("the kid stands still", PATIENCE, || (!stop.exists()).then_some(()));
            during.iter().for_each(|(master, sql)| world.at(master, sql));
            send(world.pid("kid.sync.s.B"), Signal::SIGCONT);
            world.says("kick s 0");
            world.says("kick s 0");
            let rows = world.value("A", ROWS);
            for name in ["B", "C"] {
                assert_eq!(world.value(name, ROWS), rows, "{first} {before:?} {during:?} at {step}");
            }
            assert_eq!(world.value("control", "select count(*) from bucardo.q where aborted is not null"), "0");
        }
    }
}
