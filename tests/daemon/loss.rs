//! Ways in which a row could get lost, found by trying.

use super::world::{World, send};
use nix::sys::signal::Signal;

#[test]
fn a_table_that_is_rewritten_while_its_changes_wait_loses_none() {
    let world = World::new();
    world.run_sync("s", "targetdb=B");
    world.at("A", "insert into t select g from generate_series(1, 10) g");
    world.becomes("B", "select count(*) from t", "10");
    let kid = world.pid("kid.sync.s.B");
    send(kid, Signal::SIGSTOP);
    world.at("A", "update t set counter = 1 where id < 6");
    world.at("B", "alter table t alter counter type bigint");
    let mut migration = world.db("A");
    migration.batch_execute("begin; alter table t alter counter type bigint").unwrap();
    send(kid, Signal::SIGCONT);
    world.becomes("A", "select count(*) from pg_locks where not granted and relation = 't'::regclass", "1");
    migration.batch_execute("commit").unwrap();
    world.becomes("B", "select sum(counter) from t", "5");
    assert_eq!(world.value("B", "select count(*) from t"), "10");
}

#[test]
fn a_key_that_may_suddenly_be_null_empties_no_target() {
    let world = World::new();
    for name in ["A", "B"] {
        world.at(name, "create table k (id integer not null unique)");
    }
    world.says("add table k db=A herd=h");
    world.run_sync("s", "targetdb=B");
    world.at("A", "insert into k select generate_series(1, 5)");
    world.becomes("B", "select count(*) from k", "5");
    world.at("A", "alter table k alter id drop not null; insert into k values (null)");
    world.becomes("control", "select bool_or(whydie ~ 'no usable key') from bucardo.q", "true");
    assert_eq!(world.value("B", "select count(*) from k"), "5");
    world.at("A", "delete from k where id is null; alter table k alter id set not null; insert into k values (6)");
    world.becomes("B", "select count(*) from k", "6");
}

#[test]
fn a_trigger_that_has_our_name_and_is_not_ours_is_replaced() {
    let world = World::new();
    world.at(
        "A",
        "create schema bucardo;
        create function bucardo.bucardo_add_delta() returns trigger language plpgsql as 'begin return new; end';
        create trigger bucardo_add_delta after insert or update or delete on t
            for each row execute procedure bucardo.bucardo_add_delta()",
    );
    world.run_sync("s", "targetdb=B");
    world.at("A", "insert into t select g from generate_series(1, 10) g");
    world.becomes("B", "select count(*) from t", "10");
}
