//! Servers that are not what they were: restored, promoted, copied. Each is recognised whatever was written on it before anybody looked, however
//! often it is tried, and stays so until a person has said what to do.

use crate::daemon::world::{PATIENCE, World};
use crate::harness::wait_until;

/// The rows of t.
const ROWS: &str = "coalesce((select string_agg(id || ':' || counter, ' ' order by id) from t), 'none')";

/// Databases of which one is stopped in all that follows; rows that the target has.
fn pushed(apart: &[&str], beside: &[&str]) -> World {
    let world = World::with(beside, apart);
    world.run_sync("s", "targetdb=B");
    world
}

/// Nothing more is going to be noted of what was carried.
fn rests(world: &World) {
    let sql = "select coalesce(bool_and(sealed = mark), true) from bucardo.bucardo_track where sync = 's' and receipt is not null";
    for name in ["A", "B"] {
        if world.value(name, "select to_regclass('bucardo.bucardo_track') is not null") == "true" {
            world.becomes(name, sql, "true");
        }
    }
}

/// Stops a server, runs `meanwhile`, and gives back the files that it had.
fn goes_back(world: &mut World, name: &str, meanwhile: impl FnOnce(&mut World)) {
    rests(world);
    world.server_mut(name).stop();
    let files = world.server(name).files();
    world.server_mut(name).start();
    meanwhile(world);
    rests(world);
    world.server_mut(name).stop();
    world.server(name).put_back(&files);
    world.server_mut(name).start();
}

/// Waits until the control database knows that a database is not what it was.
fn is_recognised(world: &World, name: &str) {
    world.becomes("control", &format!("select count(*) from bucardo.db_identity where db = '{name}' and halted is not null"), "1");
}

/// Kicks again and again: it fails each time, and names the database and the command.
fn never_passes(world: &World, name: &str) {
    for _ in 0..4 {
        let outcome = world.run("kick s 10");
        assert_ne!(outcome.code(), 0, "{}{}", outcome.stdout, outcome.stderr);
    }
    is_recognised(world, name);
    let told = world.says("status s");
    assert!(told.contains(&format!("database \"{name}\"")) && told.contains(&format!("bucardo_ctl accept {name}")), "{told}");
}

fn arrives(world: &World) {
    wait_until("a kick succeeds", PATIENCE, || (world.run("kick s 10").code() == 0).then_some(()));
}

/// Five transactions of their own, which use up five ids.
fn five(world: &World, name: &str, first: i32) {
    for id in first..first + 5 {
        world.at(name, &format!("insert into t values ({id}, 1)"));
    }
}

#[test]
fn a_promoted_standby_without_the_last_transactions_is_never_passed() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    let mut standby = world.server_mut("A").standby();
    arrives(&world);
    world.server("A").reaches(&standby);
    standby.stop();
    five(&world, "A", 6);
    arrives(&world);
    rests(&world);
    world.server_mut("A").kill();
    standby.start();
    standby.promote();
    let old = world.replace_server("A", standby);
    for id in 11..40 {
        world.at("A", &format!("insert into t values ({id}, 2)"));
    }
    never_passes(&world, "A");
    assert_eq!(world.value("B", "select max(id) from t"), "10");
    drop(old);
}

#[test]
fn a_restored_source_on_which_applications_wrote_is_never_passed() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    goes_back(&mut world, "A", |world| {
        arrives(world);
        five(world, "A", 6);
        arrives(world);
    });
    // More than was lost, and a lot of WAL.
    world.at("A", "create table filler as select repeat(md5(i::text), 10) from generate_series(1, 20000) i");
    for id in 11..60 {
        world.at("A", &format!("insert into t values ({id}, 2)"));
    }
    never_passes(&world, "A");
    assert_eq!(world.value("B", "select max(id) from t"), "10");
}

#[test]
fn a_restored_source_is_recognised_by_validate_as_well() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    world.says("stop");
    world.becomes_quiet();
    goes_back(&mut world, "A", |world| {
        world.says("start");
        five(world, "A", 6);
        arrives(world);
        world.says("stop");
        wait_until("the daemon has left", PATIENCE, || world.pid_now("mcp").is_none().then_some(()));
    });
    for id in 11..60 {
        world.at("A", &format!("insert into t values ({id}, 2)"));
    }
    let outcome = world.run("validate s").ended_with(1);
    assert!(outcome.stderr.contains("went back in time") && outcome.stderr.contains("bucardo_ctl accept A"), "{}", outcome.stderr);
    is_recognised(&world, "A");
    world.says("start");
    never_passes(&world, "A");
}

#[test]
fn after_accept_a_restored_source_goes_on_with_what_it_holds() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    goes_back(&mut world, "A", |world| {
        arrives(world);
        five(world, "A", 6);
        arrives(world);
    });
    for id in 20..40 {
        world.at("A", &format!("insert into t values ({id}, 2)"));
    }
    never_passes(&world, "A");
    // A person has found that rows 6 to 10 shall stay.
    let said = world.says("accept A");
    assert!(said.contains("went back in time") && said.contains("Validating sync s"), "{said}");
    arrives(&world);
    assert_eq!(world.value("B", "select count(*) || ' ' || max(id) from t"), "30 39");
    world.at("A", "update t set counter = 3 where id = 1; insert into t values (99, 9)");
    world.says("kick s 0");
    assert_eq!(world.value("B", "select string_agg(id || ':' || counter, ' ') from t where id in (1, 99)"), "1:3 99:9");
    let refused = world.run("accept A");
    assert_eq!(refused.code(), 255, "{}", refused.stdout);
    assert!(refused.stderr.contains("is not halted"), "{}", refused.stderr);
}

#[test]
fn after_accept_with_copy_the_target_holds_what_a_restored_source_holds() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    goes_back(&mut world, "A", |world| {
        arrives(world);
        five(world, "A", 6);
        arrives(world);
    });
    five(&world, "A", 20);
    never_passes(&world, "A");
    let said = world.says("accept A --copy");
    assert!(said.contains("will be copied from database \"A\""), "{said}");
    arrives(&world);
    world.becomes_equal("A", "B");
    five(&world, "A", 30);
    world.says("kick s 0");
    world.becomes_equal("A", "B");
}

#[test]
fn every_sync_of_a_source_that_went_back_is_halted() {
    let mut world = World::with(&["B", "C"], &["A"]);
    world.run_sync("s", "targetdb=B");
    world.says("add sync other type=pushdelta source=h targetdb=C");
    world.says("activate other 0");
    goes_back(&mut world, "A", |world| {
        arrives(world);
        five(world, "A", 1);
        arrives(world);
    });
    five(&world, "A", 11);
    never_passes(&world, "A");
    world.becomes("control", "select count(*) > 0 from bucardo.q where sync = 'other' and whydie ~ 'accept A'", "true");
    world.says("accept A");
    arrives(&world);
    world.says("kick other 0");
    assert_eq!(world.value("C", "select max(id) from t"), "15");
}

#[test]
fn a_promoted_standby_that_has_everything_goes_on_by_itself() {
    let mut world = pushed(&["A"], &["B"]);
    let standby = world.server_mut("A").standby();
    arrives(&world);
    five(&world, "A", 1);
    arrives(&world);
    rests(&world);
    world.server("A").reaches(&standby);
    world.server_mut("A").kill();
    standby.promote();
    let old = world.replace_server("A", standby);
    five(&world, "A", 6);
    arrives(&world);
    world.becomes_equal("A", "B");
    world.logs("is on another timeline than before");
    drop(old);
}

#[test]
fn a_source_that_crashes_again_and_again_goes_on_by_itself() {
    let mut world = pushed(&["A"], &["B"]);
    for first in [1, 11, 21, 31] {
        for id in first..first + 10 {
            world.at("A", &format!("insert into t values ({id}, 1)"));
        }
        // Some of it may have been carried, and the last mark may be lost with the crash.
        world.server_mut("A").kill();
        world.server_mut("A").start();
    }
    arrives(&world);
    world.becomes_equal("A", "B");
    assert_eq!(world.value("control", "select count(halted) from bucardo.db_identity"), "0");
}

#[test]
fn a_mark_that_a_crash_took_along_halts_nobody() {
    let mut world = pushed(&["A"], &["B"]);
    five(&world, "A", 1);
    world.says("kick s 0");
    rests(&world);
    world.says("stop");
    world.becomes_quiet();
    // As if the last round's mark had not reached the disk, and nobody had waited for it.
    world.at("A", "update bucardo.bucardo_delta_targets set mark = mark - 1");
    world.at("B", "update bucardo.bucardo_track set sealed = mark - 1");
    world.server_mut("A").kill();
    world.server_mut("A").start();
    world.says("start");
    five(&world, "A", 6);
    arrives(&world);
    world.becomes_equal("A", "B");
}

#[test]
fn a_server_that_does_not_tell_who_it_is_is_known_by_its_marks() {
    let mut world = World::with(&["B"], &["A"]);
    world.at("A", "create role shy login; grant create on database a to shy; alter table t owner to shy; alter table u owner to shy;
        revoke execute on function pg_control_system() from public; grant create on schema public to shy");
    world.installed.control().execute("update bucardo.db set dbuser = 'shy' where name = 'A'", &[]).unwrap();
    world.run_sync("s", "targetdb=B");
    assert_eq!(world.value("A", "select system_identifier from bucardo.bucardo_identity"), "NULL");
    goes_back(&mut world, "A", |world| {
        arrives(world);
        five(world, "A", 1);
        arrives(world);
    });
    for id in 10..40 {
        world.at("A", &format!("insert into t values ({id}, 2)"));
    }
    never_passes(&world, "A");
}
