//! Verbs tell the truth: what stands still is named with the command that lets it run, and exit
//! codes say whether a thing is done.

use super::states::{SLOW, becomes, check, told};
use super::world::{PATIENCE, World, send};
use crate::harness::{Outcome, wait_until};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// Runs a line of either dialect.
fn run(world: &World, program: &str, line: &str) -> Outcome {
    world.installed.call(program, &line.split(' ').collect::<Vec<_>>()).run()
}

/// One that must end with this code and name this command.
fn names(world: &World, (program, line): (&str, &str), code: i32, why: &str, command: &str) {
    let outcome = run(world, program, line).ended_with(code);
    assert!(outcome.stderr.contains(why), "{program} {line}: {}", outcome.stderr);
    let hint = format!("HINT: To let it run, run: {program} {command}\n");
    assert!(outcome.stderr.contains(&hint), "{program} {line}: {}", outcome.stderr);
}

#[test]
fn a_kick_or_reload_of_a_paused_sync_names_what_lets_it_run() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    run(&world, "bucardo", "pause s").ok();
    for (line, code) in [(("bucardo_ctl", "kick s 3"), 2), (("bucardo_ctl", "kick s"), 0), (("bucardo_ctl", "reload s"), 1)] {
        names(&world, line, code, "it is paused", "resume s");
    }
    for (line, code) in [(("bucardo", "kick s 3"), 3), (("bucardo", "kick s"), 0), (("bucardo", "reload s"), 1)] {
        names(&world, line, code, "it is paused", "resume s");
    }
    run(&world, "bucardo", "resume s").ok();
    becomes(&world, "idle");
    world.says("kick s 10");
}

#[test]
fn a_kick_or_reload_of_a_deactivated_sync_names_what_lets_it_run() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    world.says("deactivate s 0");
    let began = Instant::now();
    for (line, code) in [
        (("bucardo_ctl", "kick s 3"), 2),
        (("bucardo_ctl", "kick s"), 0),
        (("bucardo_ctl", "reload s"), 1),
        (("bucardo", "kick s 3"), 3),
        (("bucardo", "reload s"), 1),
        (("bucardo", "pause s"), 1),
        (("bucardo", "resume s"), 1),
        (("bucardo", "resume all"), 1),
    ] {
        names(&world, line, code, "it was deactivated by command", "activate s");
    }
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    world.says("activate s 0");
    world.says("kick s 10");
}

#[test]
fn what_is_refused_for_an_inactive_sync_is_no_success() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    world.says("add sync other type=fullcopy source=h targetdb=B status=inactive");
    for (program, line, code) in [
        ("bucardo", "pause other", 1),
        ("bucardo", "resume other", 1),
        ("bucardo", "reload other", 1),
        ("bucardo", "kick other", 3),
        ("bucardo", "kick other 5", 3),
        ("bucardo", "kick s other", 3),
        ("bucardo", "kick all", 0),
        ("bucardo_ctl", "pause other", 1),
        ("bucardo_ctl", "resume s other", 1),
        ("bucardo_ctl", "reload other", 1),
        // As the original has it.
        ("bucardo_ctl", "kick other", 0),
    ] {
        let outcome = run(&world, program, line).ended_with(code);
        assert!((outcome.stdout + &outcome.stderr).contains("Cannot "), "{program} {line}");
    }
}

/// A kick that comes while an attempt is under way that will fail is answered by the next one.
#[test]
fn a_kick_is_not_killed_by_an_attempt_that_began_before_it() {
    let world = World::with(&["A", "B"], &[]);
    let link = world.link("B");
    // Without it, a connection that breaks is tried once more.
    world.at("control", "update bucardo.db set dbconn = 'sslmode=disable' where name = 'B'");
    world.run_sync("s", "targetdb=B");
    let kid = world.pid("kid.sync.s.B");
    link.stall();
    let source = "select pid from pg_stat_activity where application_name = 'bucardo kid s -> B source'";
    let former = world.value("A", source);
    send(kid, Signal::SIGKILL);
    // The next one has begun, and waits for the target.
    world.becomes("A", &format!("select count(*) from ({source}) x where pid <> {former}"), "1");
    world.at("A", "insert into t values (1)");
    let number: i64 = world.value("control", "select last_value from bucardo.q_id_seq").parse().unwrap();
    let kick = world.installed.call("bucardo_ctl", &["kick", "s", "60", "--notimer"]).start();
    let waits = format!("select count(*) from bucardo.q where started is null and id > {number} + 1");
    world.becomes("control", &waits, "1");
    link.cut();
    link.resume();
    let outcome = kick.wait();
    assert!(outcome.stdout.ends_with(" DONE!\n"), "{} {}", outcome.stdout, outcome.stderr);
    assert_eq!(world.value("B", "select count(*) from t"), "1");
    let failed = "select count(*) from bucardo.q where aborted is not null and whydie ~ 'B'";
    assert_eq!(world.value("control", failed), "1", "the failure is on record");
}

/// The KID is in a statement that takes a minute; to break it off is no failure.
#[test]
fn a_reload_does_not_wait_for_a_statement_of_the_kid() {
    let world = World::with(&["A", "B"], &[]);
    world.at("B", SLOW);
    world.run_sync("s", "targetdb=B");
    let busy =
        "select count(*) from pg_stat_activity where application_name = 'bucardo kid s -> B target' and wait_event = 'PgSleep'";
    world.at("A", "insert into u values (1)");
    world.at("A", "create table later (id integer primary key)");
    world.at("B", "create table later (id integer primary key)");
    for program in ["bucardo_ctl", "bucardo"] {
        world.becomes("B", busy, "1");
        if program == "bucardo" {
            world.says("add table later db=A herd=h");
        }
        let began = Instant::now();
        run(&world, program, "reload s").ended_with(0);
        assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    }
    world.becomes("B", busy, "1");
    assert_eq!(world.value("control", "select count(*) from bucardo.q where aborted is not null"), "0");
    assert!(!world.installed.log().contains("was killed"), "{}", world.installed.log());
}

#[test]
fn a_pause_lasts_over_a_new_status_and_a_new_name() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    run(&world, "bucardo", "pause s").ok();
    world.says("update sync s status=inactive");
    becomes(&world, "off");
    names(&world, ("bucardo_ctl", "update sync s status=active"), 0, "it is paused", "resume s");
    becomes(&world, "paused");
    world.at("A", "insert into t values (1)");
    names(&world, ("bucardo", "update sync s name=s2"), 0, "it is paused", "resume s2");
    becomes(&world, "paused");
    assert_eq!((told(&world, "waiting,changes").as_str(), check(&world).0), ("1", 1));
    run(&world, "bucardo", "resume s2").ok();
    world.becomes("B", "select count(*) from t", "1");
}

#[test]
fn a_pause_ends_with_activate_also_without_a_daemon() {
    let world = World::with(&["A", "B"], &[]);
    world.run_sync("s", "targetdb=B");
    run(&world, "bucardo", "pause s").ok();
    world.says("stop");
    becomes(&world, "stopped");
    run(&world, "bucardo", "activate s").ok();
    wait_until("the old one is gone", PATIENCE, || world.pids().is_empty().then_some(()));
    world.says("start");
    becomes(&world, "idle");
}
