//! Ways in which changes can wait without anything working on them: each has a state, a level, and
//! a mail, once, and another when it is over.

use super::mail::mailing;
use super::sink::Sink;
use crate::daemon::states::{becomes, check, told};
use crate::daemon::world::{PATIENCE, World};
use crate::harness::wait_until;

/// A sync from A to B whose changes may wait for a second, with mails; `rest` is for `add sync`.
fn watched(world: &World, sink: &Sink, rest: &str) {
    world.says("set waiting_alarm=1");
    mailing(world, &sink.address(), "start --sendmail");
    if !rest.is_empty() {
        world.says(&format!("update sync s {rest}"));
        world.says("reload_config 20");
    }
}

fn about(sink: &Sink, text: &str) -> usize {
    sink.subjects().iter().filter(|subject| subject.contains(text)).count()
}

#[test]
fn a_pause_that_was_forgotten_is_told_once_and_so_is_its_end() {
    let (world, sink) = (World::with(&["A", "B"], &[]), Sink::new());
    watched(&world, &sink, "");
    world.installed.bucardo(&["pause", "s"]).ok();
    becomes(&world, "paused");
    world.at("A", "insert into t values (1)");
    let mail = sink.waits_for("\"s\" has changes waiting");
    assert!(mail.contains("while sync \"s\" is paused") && mail.contains("Waiting changes: 1\n"), "{mail}");
    world.installed.bucardo(&["resume", "s"]).ok();
    sink.waits_for("\"s\" goes on");
    assert_eq!(about(&sink, "has changes waiting"), 1);
}

#[test]
fn a_sync_that_was_deactivated_for_a_moment_is_told() {
    let (world, sink) = (World::with(&["A", "B"], &[]), Sink::new());
    watched(&world, &sink, "");
    world.says("deactivate s 0");
    world.at("A", "insert into t values (1)");
    assert!(sink.waits_for("\"s\" has changes waiting").contains("while sync \"s\" is off"));
}

#[test]
fn a_sync_that_was_added_and_not_activated_is_told() {
    let (world, sink) = (World::with(&["A", "B", "C"], &[]), Sink::new());
    watched(&world, &sink, "");
    world.says("add sync x type=pushdelta source=h targetdb=C");
    world.at("A", "insert into t values (1)");
    assert!(sink.waits_for("\"x\" has changes waiting").contains("while sync \"x\" is off"));
}

/// No process stays that could lose its connection.
#[test]
fn a_source_that_cannot_be_heard_stalls_a_sync_whose_processes_do_not_stay() {
    let (mut world, sink) = (World::with(&["B"], &["A"]), Sink::new());
    watched(&world, &sink, "stayalive=no kidsalive=no");
    becomes(&world, "idle");
    world.server_mut("A").kill();
    becomes(&world, "stalled");
    assert_eq!(check(&world).0, 1);
    assert!(told(&world, "reason").contains("cannot be listened to"));
    assert!(sink.waits_for("\"s\" has changes waiting").contains("cannot be heard"));
    world.server_mut("A").start();
    sink.waits_for("\"s\" goes on");
    becomes(&world, "idle");
}

#[test]
fn a_target_that_is_away_stalls_its_sync_and_has_the_mail_of_its_kid() {
    let (mut world, sink) = (World::with(&[], &["A", "B"]), Sink::new());
    watched(&world, &sink, "");
    world.server_mut("B").kill();
    world.at("A", "insert into t values (1)");
    becomes(&world, "stalled");
    assert!(told(&world, "reason").contains("\"B\""), "{}", told(&world, "reason"));
    assert_eq!((told(&world, "level").as_str(), check(&world).0), ("warning", 1));
    assert!(world.says("status").contains("1 of 1 bad: 1 stalled"));
    sink.waits_for("kid for \"s\" killed");
}

#[test]
fn a_sync_that_fits_no_more_is_invalid_and_told_when_it_is_to_start() {
    let (world, sink) = (World::with(&["A", "B"], &[]), Sink::new());
    watched(&world, &sink, "");
    world.says("stop");
    wait_until("it is gone", PATIENCE, || world.pid_now("mcp").is_none().then_some(()));
    world.at("B", "alter table u drop column counter");
    world.run("validate s").ended_with(1);
    world.says("start --sendmail");
    becomes(&world, "invalid");
    assert!(told(&world, "reason").contains("counter"), "{}", told(&world, "reason"));
    assert_eq!(check(&world).0, 1);
    sink.waits_for("\"s\" controller killed");
}

#[test]
fn a_controller_that_dies_again_and_again_stalls_its_sync() {
    let (world, sink) = (World::with(&["A", "B"], &[]), Sink::new());
    watched(&world, &sink, "");
    // What a controller reads first. (The MCP reads it when it begins a sync anew, so no row of the
    // sync may change.)
    world.at("control", "alter table bucardo.q rename to q_away");
    world.end("ctl.sync.s", nix::sys::signal::Signal::SIGKILL);
    sink.waits_for("\"s\" controller killed");
    world.becomes("control", "select trouble from bucardo.sync_state where sync = 's'", "controller");
    world.at("control", "alter table bucardo.q_away rename to q");
    becomes(&world, "idle");
}

#[test]
fn changes_that_nobody_asks_for_are_told_when_they_are_overdue() {
    let (world, sink) = (World::with(&["A", "B"], &[]), Sink::new());
    watched(&world, &sink, "ping=no");
    world.at("A", "insert into t values (1)");
    wait_until("it waits", PATIENCE, || (told(&world, "waiting,changes") == "1").then_some(()));
    assert_eq!((told(&world, "condition").as_str(), told(&world, "level").as_str()), ("idle", "ok"));
    assert_eq!(about(&sink, "has changes waiting"), 0, "that is how it is meant");
    world.at("control", "update bucardo.sync set overdue = '1 second'");
    assert!(sink.waits_for("\"s\" has changes waiting").contains("are overdue"));
    assert_eq!(check(&world).0, 1);
    world.says("kick s 0");
    sink.waits_for("\"s\" goes on");
}

#[test]
fn a_database_that_waits_to_be_accepted_stalls_its_sync_and_says_so() {
    let (world, sink) = (World::with(&["A", "B"], &[]), Sink::new());
    watched(&world, &sink, "");
    world
        .at("control", "update bucardo.db_identity set halted = now(), kind = 'another', reason = 'it went back' where db = 'A'");
    world.says("reload_config 20");
    world.at("A", "insert into t values (1)");
    becomes(&world, "stalled");
    wait_until("it says what to do", PATIENCE, || world.says("status s").contains("accept A").then_some(()));
    assert_eq!(check(&world).0, 1);
    sink.waits_for("\"s\" killed");
}

#[test]
fn a_gap_is_a_warning() {
    let (world, sink) = (World::with(&["A", "B"], &[]), Sink::new());
    watched(&world, &sink, "");
    world.at("A", "alter table t disable trigger bucardo_add_delta; insert into t values (1); alter table t enable trigger bucardo_add_delta");
    world.says("kick s 0");
    sink.waits_for("\"s\" may miss changes");
    assert_eq!((told(&world, "level").as_str(), check(&world).0), ("warning", 1));
    assert!(check(&world).1.contains("syncs with gaps: 1"));
}
