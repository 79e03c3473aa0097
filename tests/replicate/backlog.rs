//! Backlogs larger than a batch: they are cut, and nothing is lost at the cut.

use super::case::{Case, case, case_in};
use super::equal;
use super::world::World;

const TABLES: &str = "create table t (id integer primary key, v text); create table e (id integer primary key, u integer unique)";

/// A case that nobody wakes, and whose batches hold 50 changes. An open transaction anywhere on the
/// server keeps later ones from being cut, so what others do here decides how many batches there
/// are, but not what arrives.
fn in_batches(name: &str) -> Case<'static> {
    let case = case(name, TABLES).word("ping=false").setting("batch_changes", "50").run();
    case.settle();
    case
}

/// Writes `number` transactions, made by `sql` from 1, 2, ….
fn transactions(case: &mut Case, number: i32, sql: impl Fn(i32) -> String) {
    (1..=number).for_each(|n| case.write(&sql(n)));
}

#[test]
fn a_backlog_is_carried_in_batches_each_of_which_is_kept() {
    let world = World::with(&[]);
    let mut case = case_in(&world, "batches", TABLES).word("ping=false").setting("batch_changes", "50").add();
    transactions(&mut case, 300, |n| format!("insert into t values ({n}, 'v')"));
    transactions(&mut case, 100, |n| {
        format!("update t set v = 'w', id = id + 1000 where id = {n} * 2; delete from t where id = {n}")
    });
    world.ctl(&["start", "--quiet"]).ok();
    case.arrives();
    let receipts: i32 = case.at_target("select count(distinct receipt) from bucardo.test_receipts").parse().unwrap();
    assert!(receipts >= 8, "more than 450 changes came in {receipts} batches");
    case.finish();
}

#[test]
fn a_transaction_larger_than_a_batch_goes_alone_and_whole() {
    let mut case = in_batches("large");
    transactions(&mut case, 60, |n| format!("insert into t values ({n}, 'v')"));
    case.write("insert into t select i, 'large' from generate_series(1000, 1999) i");
    transactions(&mut case, 60, |n| format!("update t set v = 'w' where id = {n}"));
    case.arrives();
    assert_eq!(case.at_target("select count(*) from t"), "1060");
    case.write("update t set id = -id; delete from t where id % 2 = 0");
    case.finish();
}

#[test]
fn unique_values_may_be_exchanged_across_a_cut() {
    let mut case = in_batches("passed_on");
    case.write("insert into e select i, i * 10 from generate_series(1, 200) i");
    case.arrives();
    case.write("update e set u = null where id = 1");
    transactions(&mut case, 199, |n| format!("update e set u = {n} * 10 where id = {n} + 1"));
    case.write("update e set u = 2000 where id = 1");
    case.arrives();
    assert_eq!(case.at_target("select u from e where id = 1"), "2000");
    case.finish();
}

#[test]
fn rows_that_are_deleted_and_come_back_beyond_the_cut_are_there() {
    let mut case = in_batches("returned");
    case.write("insert into t select i, 'v' from generate_series(1, 100) i");
    case.arrives();
    transactions(&mut case, 100, |n| format!("delete from t where id = {n}"));
    transactions(&mut case, 100, |n| format!("insert into t values ({n} * 2 % 100, 'again') on conflict do nothing"));
    case.finish();
}

#[test]
fn nothing_is_cut_beside_a_truncate() {
    let mut case = in_batches("uncut");
    case.write(
        "insert into t select i, 'v' from generate_series(1, 100) i; insert into e select i, i from generate_series(1, 100) i",
    );
    case.arrives();
    transactions(&mut case, 100, |n| format!("update t set v = 'w' where id = {n}"));
    case.write("truncate t");
    transactions(&mut case, 100, |n| format!("insert into t values ({n} + 50, 'x'); update e set u = u + 1000 where id = {n}"));
    case.finish();
}

#[test]
fn a_backlog_around_an_open_transaction_waits_for_nothing_but_its_rows() {
    let mut case = in_batches("held_back");
    transactions(&mut case, 120, |n| format!("insert into t values ({n}, 'v')"));
    let mut open = equal::session(case.source_cluster, &case.source);
    open.batch_execute("begin; insert into t values (1000, 'late'); insert into e values (1, 1)").unwrap();
    transactions(&mut case, 120, |n| format!("insert into e values ({n} + 100, {n} + 100)"));
    case.arrives();
    assert_eq!(case.at_target("select (select count(*) from t) || '/' || (select count(*) from e)"), "120/120");
    open.batch_execute("update t set v = 'later still' where id = 1; commit").unwrap();
    case.finish();
}
