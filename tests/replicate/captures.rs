//! What captures changes on a source, when somebody has laid hands on it.

use crate::daemon::world::World;

#[test]
fn validate_puts_right_what_was_switched_off_weakened_or_is_of_an_earlier_version() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    let function = world.value(
        "A",
        "select tgfoid::regproc::text from pg_trigger where tgname = 'bucardo_add_delta' and tgrelid = 't'::regclass",
    );
    world.at("A", "alter table t disable trigger bucardo_add_truncate; drop trigger bucardo_add_delta on t");
    world.at(
        "A",
        &format!("create trigger bucardo_add_delta after insert or update or delete on t for each row when (false) execute procedure {function}()"),
    );
    world.at(
        "A",
        &format!("create or replace function {function}() returns trigger language plpgsql as 'begin return null; end'"),
    );
    world.at("A", "update bucardo.bucardo_delta_names set version = 1");
    world.run("validate s").ended_with(1);
    world.at("A", "insert into t values (1, 1)");
    world.says("kick s 0");
    world.becomes_equal("A", "B");
    world.at("A", "truncate t");
    world.says("kick s 0");
    assert_eq!(world.value("B", "select count(*) from t"), "0");
}

#[test]
fn a_kid_that_starts_notices_that_a_truncate_would_not_be_captured() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    world.says("stop");
    world.at("A", "alter table t disable trigger bucardo_add_truncate; insert into t values (1)");
    world.says("start");
    let reason = "select count(*) from bucardo.q where whydie like '%not captured%'";
    world.becomes("control", &format!("({reason}) > 0"), "true");
    world.run("validate s").ended_with(1);
    world.at("A", "truncate t; insert into t values (2)");
    world.becomes("B", "select string_agg(id::text, ' ') from t", "2");
}
