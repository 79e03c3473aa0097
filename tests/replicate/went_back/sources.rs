//! Sources that were restored, promoted, crashed or upgraded.

use super::*;

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
    wait_until("the daemon has left", PATIENCE, || world.pid_now("mcp").is_none().then_some(()));
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
    assert!(
        outcome.stderr.contains("went back in time") && outcome.stderr.contains("bucardo_ctl accept A"),
        "{}",
        outcome.stderr
    );
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
    // What it had carried by then was still there.
    assert_ne!(world.run("kick other 10").code(), 0);
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
    wait_until("the daemon has left", PATIENCE, || world.pid_now("mcp").is_none().then_some(()));
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
    world.at(
        "A",
        "create role shy login; grant create on database a to shy; alter table t owner to shy; alter table u owner to shy;
        revoke execute on function pg_control_system() from public; grant create on schema public to shy",
    );
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

#[test]
fn an_upgraded_server_goes_on_when_it_is_accepted() {
    let mut world = pushed(&["A"], &["B"]);
    if !world.server("A").has_program("pg_upgrade") {
        return eprintln!("this server came without pg_upgrade");
    }
    five(&world, "A", 1);
    world.says("kick s 0");
    rests(&world);
    world.server_mut("A").upgrade();
    five(&world, "A", 6);
    never_passes(&world, "A");
    world.says("accept A");
    arrives(&world);
    world.becomes_equal("A", "B");
    world.at("A", "delete from t where id < 4");
    arrives(&world);
    world.becomes_equal("A", "B");
}

#[test]
fn a_promoted_standby_of_which_nothing_proves_that_it_has_all_is_asked_about() {
    let mut world = pushed(&["A"], &["B"]);
    let standby = world.server_mut("A").standby();
    arrives(&world);
    five(&world, "A", 1);
    arrives(&world);
    rests(&world);
    leaves(&world);
    // As if the standby had lacked the last mark when it was promoted, a moment after the round.
    world.at("A", "update bucardo.bucardo_delta_targets set mark = mark - 1");
    world.at("B", "update bucardo.bucardo_track set sealed = mark - 1");
    world.server("A").reaches(&standby);
    world.server_mut("A").kill();
    standby.promote();
    let old = world.replace_server("A", standby);
    world.says("start");
    never_passes(&world, "A");
    assert!(world.says("status s").contains("nothing proves that it has all changes"));
    world.says("accept A");
    five(&world, "A", 6);
    arrives(&world);
    world.becomes_equal("A", "B");
    drop(old);
}

#[test]
fn an_accepted_database_can_go_back_again() {
    let mut world = pushed(&["A"], &["B"]);
    for first in [1, 101] {
        five(&world, "A", first);
        world.says("kick s 0");
        goes_back(&mut world, "A", |world| {
            arrives(world);
            five(world, "A", first + 10);
            arrives(world);
        });
        for id in first + 20..first + 50 {
            world.at("A", &format!("insert into t values ({id}, 2)"));
        }
        never_passes(&world, "A");
        world.says("accept A");
        arrives(&world);
        let sql = format!("select count(*) from t where id between {} and {}", first + 20, first + 49);
        assert_eq!(world.value("B", &sql), "30");
    }
    world.at("B", "delete from t where id between 11 and 15 or id between 111 and 115");
    world.becomes_equal("A", "B");
}
