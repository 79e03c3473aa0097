//! Targets that were restored.

use super::copies::becomes_a_copy;
use super::*;

/// A source whose target was restored to a backup that was taken while a long transaction ran
/// there. That one was carried since.
fn restored_below_a_long_transaction(retention: &str) -> World {
    let mut world = World::with(&[], &["A", "B"]);
    let sql = "update bucardo.bucardo_config set value = $1 where setting = 'delta_retention'";
    world.installed.control().execute(sql, &[&retention]).unwrap();
    world.run_sync("s", "targetdb=B");
    let mut long = world.db("A");
    long.batch_execute("begin; insert into t values (1000, 1)").unwrap();
    five(&world, "A", 1);
    world.says("kick s 0");
    goes_back(&mut world, "B", |world| {
        arrives(world);
        long.batch_execute("commit").unwrap();
        arrives(world);
        assert_eq!(world.value("B", "select max(id) from t"), "1000");
        if retention == "0.2" {
            let size = "select sum(pg_relation_size(format('bucardo.%I', deltaname || '_' || g)::regclass))
                from bucardo.bucardo_delta_names, generate_series(1, 2) g";
            world.becomes("A", size, "0");
        }
    });
    world
}

#[test]
fn a_target_that_lacks_a_long_transaction_that_was_given_up_is_halted() {
    let world = restored_below_a_long_transaction("0.2");
    never_passes(&world, "B");
    assert_eq!(world.value("B", "select max(id) from t"), "5");
    world.says("accept B --copy");
    arrives(&world);
    world.becomes_equal("A", "B");
    five(&world, "A", 11);
    world.says("kick s 0");
    world.becomes_equal("A", "B");
}

#[test]
fn a_target_that_lacks_a_long_transaction_that_is_kept_gets_it_again() {
    let world = restored_below_a_long_transaction("600");
    arrives(&world);
    world.becomes_equal("A", "B");
}

#[test]
fn a_target_that_was_set_back_too_far_goes_on_when_it_is_accepted() {
    let world = restored_below_a_long_transaction("0.2");
    never_passes(&world, "B");
    // Seen to by hand.
    world.at("B", "insert into t values (1000, 1)");
    world.says("accept B");
    arrives(&world);
    five(&world, "A", 11);
    arrives(&world);
    world.becomes_equal("A", "B");
}

#[test]
fn a_halted_target_holds_up_no_other() {
    let world = World::with(&["A", "B", "C"], &[]);
    world.says("add dbgroup g B C");
    world.run_sync("s", "targetgroup=g");
    five(&world, "A", 1);
    world.says("kick s 0");
    leaves(&world);
    becomes_a_copy(&world, "B", "A");
    five(&world, "A", 6);
    world.says("start");
    is_recognised(&world, "B");
    world.becomes("C", "select count(*) from t", "10");
    five(&world, "A", 11);
    world.becomes("C", "select count(*) from t", "15");
    world.says("accept B");
    arrives(&world);
    world.becomes_equal("A", "B");
    assert_eq!(world.value("C", "select count(*) from t"), "15");
}
