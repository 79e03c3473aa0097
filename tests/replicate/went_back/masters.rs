//! Masters of a swap, one of which was restored.

use super::*;

/// A swap of two servers, one of which is restored to a backup.
fn swap_of_which_one_went_back(back: &str, other: &str) -> World {
    let mut world = World::with(&[], &["A", "B"]);
    world.says("add sync s type=swap source=h targetdb=B");
    world.says("start");
    five(&world, "A", 1);
    five(&world, "B", 11);
    arrives(&world);
    goes_back(&mut world, back, |world| {
        arrives(world);
        five(world, back, 21);
        five(world, other, 31);
        arrives(world);
    });
    for id in 41..60 {
        world.at(back, &format!("insert into t values ({id}, 2)"));
    }
    world
}

#[test]
fn a_master_that_went_back_is_halted_and_goes_on_when_accepted() {
    for (back, other) in [("A", "B"), ("B", "A")] {
        let world = swap_of_which_one_went_back(back, other);
        never_passes(&world, back);
        world.says(&format!("accept {back}"));
        arrives(&world);
        // What the other wrote has come again, and what was written on it since has gone to the
        // other.
        assert_eq!(world.value(back, "select count(*) from t where id between 31 and 35"), "5", "{back}");
        assert_eq!(world.value(other, "select count(*) from t where id between 41 and 59"), "19", "{back}");
        world.at(back, "update t set counter = 9 where id = 1; insert into t values (91)");
        world.at(other, "update t set counter = 8 where id = 2; delete from t where id between 21 and 25");
        arrives(&world);
        world.becomes_equal(back, other);
    }
}

#[test]
fn a_master_that_went_back_is_filled_again_by_a_copy() {
    let world = swap_of_which_one_went_back("B", "A");
    never_passes(&world, "B");
    world.says("accept B --copy");
    arrives(&world);
    world.becomes_equal("A", "B");
    assert_eq!(world.value("A", "select count(*) from t where id between 21 and 25"), "5");
    world.at("B", "insert into t values (91)");
    arrives(&world);
    world.becomes_equal("A", "B");
}
