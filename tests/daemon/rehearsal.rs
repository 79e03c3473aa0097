//! A daemon that is asked for a dry run goes through all the motions, tells what it would have
//! done, and rolls it back.

use super::world::World;
use crate::harness::Call;

/// Whether B is as it was, and nobody is said to have anything.
fn untouched(world: &World) {
    assert_eq!(world.value("B", "select (select string_agg(t::text, ' ') from t) || (select last_value from numbers)"), "(1,5)1");
    assert_eq!(world.value("B", "select count(receipt) from bucardo.bucardo_track"), "0");
}

fn rehearses(world: &World, call: &dyn Fn() -> Call) {
    world.at("A", "insert into t values (2, 0), (3, 0); select nextval('numbers'), nextval('numbers')");
    world.at("B", "insert into t values (1, 5)");
    call().run().ok();
    world.logs("This is a dry run");
    world.logs("Dry run: nothing was kept. To B would have gone: Updates: 0 Inserts: 2 Deletes: 0 Sync: s");
    world.says("kick s 0");
    untouched(world);
}

fn with_sequence() -> World {
    let world = World::new();
    for name in ["A", "B"] {
        world.at(name, "create sequence numbers");
    }
    world.says("add sequence numbers db=A herd=h");
    world
}

#[test]
fn a_dry_run_changes_no_target_and_a_real_one_after_it_lacks_nothing() {
    let world = with_sequence();
    world.says("add sync s type=pushdelta source=h targetdb=B");
    let installed = &world.installed;
    rehearses(&world, &|| installed.call("bucardo_ctl", &["start"]).env("BUCARDO_DRYRUN", ""));
    assert_eq!(world.value("control", "select sum(inserts) from bucardo.q"), "0");
    world.says("start");
    world.says("kick s 0");
    assert_eq!(world.value("B", "select count(*) || ' ' || (select last_value from numbers) from t"), "3 2");
}

#[test]
fn a_copy_that_was_rehearsed_is_still_to_be_made() {
    let world = with_sequence();
    let installed = &world.installed;
    world.says("add sync s type=pushdelta source=h targetdb=B onetimecopy=1");
    world.at("B", "insert into t values (7, 7)");
    world.at("A", "insert into t values (2, 0)");
    installed.call("bucardo_ctl", &["start", "--dryrun"]).run().ok();
    world.logs("To B would have gone: Updates: 0 Inserts: 1 Deletes: 1 Sync: s");
    assert_eq!(world.value("B", "select string_agg(t::text, ' ') from t"), "(7,7)");
    world.says("start");
    world.becomes("B", "select string_agg(t::text, ' ') from t", "(2,0)");
}

#[test]
fn masters_that_rehearse_record_no_conflicts() {
    let world = World::new();
    world.says("add sync s type=swap source=h targetdb=B");
    let rc = std::fs::read_to_string(world.installed.home().join(".bucardorc")).unwrap();
    std::fs::write(world.installed.home().join("dry"), format!("{rc}dryrun=1\n")).unwrap();
    for name in ["A", "B"] {
        world.at(name, &format!("insert into t select 1, ascii('{name}')"));
    }
    world.installed.call("bucardo", &["start", "--bucardorc=dry"]).run().ok();
    world.logs("Dry run: nothing was kept. To B would have gone: Updates: 1 Inserts: 0 Deletes: 0 Sync: s");
    assert_eq!(["A", "B"].map(|name| world.value(name, "select string_agg(t::text, ' ') from t")), ["(1,65)", "(1,66)"]);
    assert_eq!(world.value("control", "select count(*) from bucardo.conflict"), "0");
    world.says("start");
    world.becomes("A", "select string_agg(t::text, ' ') from t", "(1,66)");
    world.becomes("control", "select count(*) from bucardo.conflict", "1");
}
