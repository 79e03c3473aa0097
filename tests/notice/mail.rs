//! E-mails tell when something died, and when it is over.

use super::sink::Sink;
use crate::daemon::world::{PATIENCE, World};
use crate::harness::wait_until;
use nix::sys::signal::Signal;
use std::net::TcpListener;

/// A running sync `s` from A to B, with mails that go to `server`.
pub(super) fn mailing(world: &World, server: &str, start: &str) {
    world.says(&format!("set default_email_to=boss@example.org default_email_from=db@example.org default_email_host={server}"));
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.says(start);
    world.says("kick s 0");
}

#[test]
fn a_start_and_a_death_and_its_end_are_told_once_each() {
    let (world, sink) = (World::new(), Sink::new());
    mailing(&world, &sink.address(), "start --sendmail new disk");
    let start = sink.waits_for("started on");
    assert!(start.contains("From: db@example.org") && start.contains("To: boss@example.org"), "{start}");
    assert!(start.contains("Subject: Bucardo 4.5.0 started on ") && start.contains("(new disk)"), "{start}");

    world.end("kid.sync.s.B", Signal::SIGKILL);
    let killed = sink.waits_for("kid for \"s\" killed");
    assert!(killed.contains("Source: A") && killed.contains("Target: B") && killed.contains("SIGKILL"), "{killed}");
    sink.waits_for("kid for \"s\" is back");

    world.end("ctl.sync.s", Signal::SIGKILL);
    sink.waits_for("\"s\" controller killed");
    sink.waits_for("\"s\" controller is back");
    world.says("stop");
    world.logs("MCP exiting");
    assert_eq!(sink.subjects().len(), 5, "{:?}", sink.subjects());
}

#[test]
fn changes_that_were_not_captured_are_told_once() {
    let (world, sink) = (World::with(&["A", "B"], &[]), Sink::new());
    mailing(&world, &sink.address(), "start --sendmail");
    world.at("A", "alter table t disable trigger bucardo_add_delta; insert into t values (1); alter table t enable trigger bucardo_add_delta");
    world.says("kick s 0");
    let told = sink.waits_for("\"s\" may miss changes");
    assert!(told.contains("public.t") && told.contains("sync s onetimecopy") && told.contains("Target: B"), "{told}");
    world.says("reload s");
    world.says("kick s 0");
    world.at("A", "alter table u disable trigger bucardo_add_delta");
    world.run("validate s").ended_with(1);
    world.says("kick s 0");
    wait_until("the other table is told, too", PATIENCE, || {
        let told = sink.subjects().into_iter().filter(|subject| subject.contains("may miss")).count();
        (told == 2).then_some(())
    });
}

#[test]
fn an_outage_of_many_tries_is_one_mail_and_its_end_another() {
    let (mut world, sink) = (World::with(&[], &["A", "B"]), Sink::new());
    mailing(&world, &sink.address(), "start --sendmail=1");
    world.server_mut("B").stop();
    world.at("A", "insert into t values (1)");
    let killed = sink.waits_for("killed on");
    assert!(killed.contains("Target: B") && killed.contains("Error: "), "{killed}");
    let tries = "target \"B\", next try in";
    wait_until("it was tried several times", PATIENCE, || (world.installed.log().matches(tries).count() > 3).then_some(()));
    world.server_mut("B").start();
    sink.waits_for("kid for \"s\" is back");
    world.becomes("B", "select count(*) from t", "1");
    let about_kids = sink.subjects().into_iter().filter(|subject| subject.contains("kid")).count();
    assert_eq!(about_kids, 2, "{:?}", sink.subjects());
}

#[test]
fn a_control_database_that_is_away_is_told_and_so_is_its_return() {
    let (mut world, sink) = (World::with(&[], &["A", "B"]), Sink::new());
    mailing(&world, &sink.address(), "start --sendmail");
    world.installed.cluster.kill();
    sink.waits_for("(respawning)");
    world.installed.cluster.start();
    sink.waits_for("is back on");
}

#[test]
fn a_mail_server_that_never_answers_holds_up_nobody() {
    let (world, deaf) = (World::new(), TcpListener::bind("127.0.0.1:0").unwrap());
    mailing(&world, &deaf.local_addr().unwrap().to_string(), "start --sendmail");
    world.end("kid.sync.s.B", Signal::SIGKILL);
    world.at("A", "insert into t values (1)");
    world.becomes("B", "select count(*) from t", "1");
    assert_eq!(world.says("ping 5").split(' ').next(), Some("OK:"));
    world.says("stop");
    wait_until("the daemon is gone", PATIENCE, || world.pid_now("mcp").is_none().then_some(()));
}

#[test]
fn a_file_can_have_copies_and_nothing_is_sent_unasked() {
    let (world, sink) = (World::new(), Sink::new());
    let file = world.installed.dir().join("mails");
    world.says(&format!("set default_email_host={} email_debug_file=elsewhere", sink.address()));
    world.says("add sync s type=pushdelta source=h targetdb=B");
    world.installed.call("bucardo_ctl", &["start", "--sendmail"]).env("BUCARDO_EMAIL_DEBUG_FILE", &file).run().ok();
    let text = wait_until("the copy is there", PATIENCE, || std::fs::read_to_string(&file).ok().filter(|text| !text.is_empty()));
    assert!(text.contains("\nSubject: Bucardo 4.5.0 started on "), "{text}");

    world.says("set default_email_to=boss@example.org");
    world.installed.call("bucardo_ctl", &["start", "--no-sendmail", "--sendmail"]).run().ok();
    let elsewhere = world.installed.home().join("elsewhere");
    wait_until("the other file has it", PATIENCE, || elsewhere.exists().then_some(()));
    world.says("stop");
    world.logs("MCP exiting");
    assert_eq!(sink.subjects(), [""; 0]);
}
