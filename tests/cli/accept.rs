//! `accept`, as far as it needs no server that went back.

use super::world::World;

/// A sync whose target is a copy of its source; `validate` has found that.
fn halted() -> World {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    world.says("add sync s type=pushdelta source=h targetdb=B");
    let mut server = world.cluster.connect("postgres");
    server.batch_execute("drop database b").unwrap();
    server.batch_execute("create database b template a").unwrap();
    let outcome = world.run("validate s").ended_with(1);
    assert!(outcome.stderr.contains("\"B\" is not the one that was validated"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("HINT: Compare the tables, then run: bucardo_ctl accept B"), "{}", outcome.stderr);
    world
}

#[test]
fn accept_lets_a_halted_database_go_on_in_both_dialects() {
    for program in ["bucardo_ctl", "bucardo"] {
        let world = halted();
        let outcome = world.call(program, &["accept", "B"]).run().ended_with(0);
        assert!(outcome.stdout.starts_with("Accepted: database \"B\" is not the one"), "{}", outcome.stdout);
        assert!(outcome.stdout.contains("Validating sync s"), "{}", outcome.stdout);
        assert_eq!(world.value("select count(halted) from bucardo.db_identity"), "0");
        world.says("validate s");
    }
}

#[test]
fn accept_with_copy_asks_for_a_copy() {
    let world = halted();
    let said = world.says("accept B --copy");
    assert!(said.contains("Sync \"s\": all tables will be copied from database \"A\" to the others"), "{said}");
    assert_eq!(world.value("select onetimecopy from bucardo.sync"), "1");
}

#[test]
fn what_cannot_be_accepted_is_refused() {
    let world = World::with_dbs();
    assert!(world.run("accept").stderr.starts_with("Usage: accept <db>"));
    assert!(world.run("accept A B").stderr.starts_with("Usage: accept <db>"));
    assert!(world.run("accept Z").ended_with(255).stderr.starts_with("Unknown database: Z\nHINT: "));
    let outcome = world.run("accept A").ended_with(255);
    assert!(outcome.stderr.starts_with("Database \"A\" is not halted: there is nothing to accept\nHINT: "), "{}", outcome.stderr);
}

#[test]
fn a_rehearsal_accepts_nothing() {
    let world = halted();
    assert!(world.says("accept B --dryrun").starts_with("Would accept this: database \"B\""));
    assert_eq!(world.value("select count(halted) from bucardo.db_identity"), "1");
}

#[test]
fn a_database_that_leaves_takes_its_halt_along() {
    let world = halted();
    world.says("remove sync s");
    world.says("remove db B");
    assert_eq!(world.value("select count(*) from bucardo.db_identity where db = 'B'"), "0");
}
