//! Without a daemon, a command that wants something of it says so at once, with the exit code of
//! its dialect.

use super::fake_daemon::{FakeDaemon, job, tell};
use super::prepared::prepared;
use crate::harness::{Installed, Outcome};
use std::time::{Duration, Instant};

const NONE: &str = "no Bucardo daemon is running for control database \"bucardo\"";

/// Runs a command line, which must come to its end soon and end with this code; a loaded machine is
/// given its time.
fn soon(installed: &Installed, program: &str, line: &str, code: i32) -> Outcome {
    let began = Instant::now();
    let outcome = installed.call(program, &line.split(' ').collect::<Vec<_>>()).run().ended_with(code);
    assert!(began.elapsed() < Duration::from_secs(5), "{line} took {:?}", began.elapsed());
    outcome
}

fn starts(outcome: &Outcome, sentence: &str) {
    assert!(outcome.stderr.starts_with(sentence), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("HINT: "), "{}", outcome.stderr);
}

#[test]
fn a_kick_that_waits_ends_at_once_without_a_daemon() {
    let installed = prepared();
    for (program, line, code) in [
        ("bucardo_ctl", "kick orders 0", 2),
        ("bucardo_ctl", "kick orders 30", 1),
        ("bucardo_ctl", "--quiet kick orders grp 0", 2),
        ("bucardo", "kick orders 0", 3),
        ("bucardo", "kick orders 30", 1),
    ] {
        let outcome = soon(&installed, program, line, code);
        starts(&outcome, &format!("Error: {NONE}; the kick is lost\nHINT: To start one, run: {program} start\n"));
        assert_eq!(outcome.stdout, "", "{line}");
    }
}

#[test]
fn a_kick_that_does_not_wait_is_taken_and_told_to_be_lost() {
    let installed = prepared();
    let outcome = soon(&installed, "bucardo_ctl", "kick orders", 0);
    assert_eq!(outcome.stdout, "Kicked sync orders\n");
    starts(&outcome, &format!("Note: {NONE}; the kick is lost\n"));
    assert_eq!(soon(&installed, "bucardo_ctl", "kick asleep 0", 0).stderr, "", "there was nothing to kick");
}

#[test]
fn activate_without_a_daemon_tells_what_one_that_starts_does() {
    let installed = prepared();
    let told = |status: &str| format!("Note: {NONE}; one that starts goes by the status of sync \"asleep\", which is {status}\n");
    let outcome = soon(&installed, "bucardo_ctl", "activate asleep 3", 0);
    assert_eq!(outcome.stdout, "Activating sync asleep\n");
    starts(&outcome, &told("inactive"));
    assert!(outcome.stderr.ends_with("HINT: To change it, run: bucardo_ctl update sync asleep status=active\n"));
    let outcome = soon(&installed, "bucardo_ctl", "activate asleep 0", 2);
    assert_eq!(outcome.stdout, "Activating sync asleep...FAILED\n");
    // The newer dialect stores what is wanted.
    let outcome = soon(&installed, "bucardo", "activate asleep", 0);
    starts(&outcome, &told("active"));
    assert_eq!(soon(&installed, "bucardo", "activate asleep 0", 2).stdout, "Activating sync asleep...FAILED\n");
}

#[test]
fn deactivate_without_a_daemon_is_done_only_where_that_lasts() {
    let installed = prepared();
    assert_eq!(soon(&installed, "bucardo_ctl", "deactivate orders 0", 2).stdout, "Deactivating sync orders...FAILED\n");
    assert_eq!(soon(&installed, "bucardo", "deactivate orders 0", 0).stdout, "Deactivating sync orders...OK\n");
}

#[test]
fn nothing_is_said_to_be_paused_without_a_daemon() {
    let installed = prepared();
    for program in ["bucardo_ctl", "bucardo"] {
        for verb in ["pause", "resume"] {
            let outcome = soon(&installed, program, &format!("{verb} orders grp"), 1);
            starts(&outcome, &format!("cannot {verb} sync \"orders\", \"grp\": {NONE}\n"));
            assert_eq!(outcome.stdout, "");
        }
    }
}

#[test]
fn reload_without_a_daemon_fails_at_once() {
    let installed = prepared();
    let outcome = soon(&installed, "bucardo_ctl", "reload orders", 1);
    starts(&outcome, &format!("sync \"orders\" was not reloaded: {NONE}\n"));
    assert_eq!(outcome.stdout, "");
    for line in ["reload", "reload orders", "reload config", "reload_config 5"] {
        let outcome = soon(&installed, "bucardo", line, 11);
        starts(&outcome, "Looks like Bucardo is not running, so there is no need to reload\n");
    }
}

#[test]
fn settings_need_no_daemon_to_be_read_when_one_starts() {
    let installed = prepared();
    let sentence = "Forcing Bucardo to reload the bucardo_config table\n";
    let note = format!("Note: {NONE}; one that starts reads all its settings\n");
    let outcome = soon(&installed, "bucardo_ctl", "reload_config", 0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), (sentence, note.as_str()));
    let outcome = soon(&installed, "bucardo_ctl", "reload_config 30", 1);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), (sentence, note.as_str()));
}

#[test]
fn reopen_without_a_daemon_ends_with_two() {
    let installed = prepared();
    let file = installed.piddir().join("bucardo.mcp.pid");
    let sentence = format!("Could not open pid file {}: is Bucardo running?\n", file.display());
    starts(&soon(&installed, "bucardo", "reopen", 2), &sentence);
    // A pid file tells nothing: its process is another one by now.
    std::fs::write(&file, format!("{}\n", std::process::id())).unwrap();
    starts(&soon(&installed, "bucardo", "reopen", 2), &sentence);
}

#[test]
fn a_pid_file_is_no_daemon() {
    let installed = prepared();
    let _master = super::fake_daemon::FakeMaster::new(&installed, false);
    starts(&soon(&installed, "bucardo_ctl", "kick orders 0", 2), &format!("Error: {NONE}"));
}

#[test]
fn ping_needs_no_time_where_no_daemon_is() {
    let installed = prepared();
    for program in ["bucardo_ctl", "bucardo"] {
        for line in ["ping", "ping 30"] {
            assert!(soon(&installed, program, line, 1).stdout.starts_with(&format!("CRITICAL: {NONE}")));
        }
        assert_eq!(soon(&installed, program, "ping --quiet", 1).stdout, "");
    }
}

/// A script that kicks while another restarts the daemon must not fail for that.
#[test]
fn a_kick_waits_for_a_start_that_is_under_way() {
    let installed = prepared();
    let awaited = "insert into bucardo.presence (awaited, ended) values (now() + interval '30 seconds', now())";
    installed.control().batch_execute(awaited).unwrap();
    let kick = installed.call("bucardo_ctl", &["kick", "orders", "30", "--notimer"]).start();
    crate::harness::wait_until("it hears of the end", Duration::from_secs(20), || {
        let mut client = installed.control();
        let job = job(&mut client, "orders", "B");
        tell(&mut client, "bucardo_syncdone_orders", job);
        kick.stdout().contains("DONE!").then_some(())
    });
    assert_eq!(kick.wait().ok(), "Kick orders: DONE!\n");
}

#[test]
fn a_role_that_is_not_ours_cannot_pose_as_the_daemon() {
    let installed = prepared();
    installed
        .cluster
        .connect("postgres")
        .batch_execute("create role stranger login; grant connect on database bucardo to stranger")
        .unwrap();
    let mut stranger = installed.cluster.connect_as("bucardo", "stranger");
    stranger.batch_execute("set application_name = 'bucardo mcp control'").unwrap();
    starts(&soon(&installed, "bucardo_ctl", "kick orders 0", 2), &format!("Error: {NONE}"));
}

#[test]
fn what_a_daemon_does_not_answer_is_not_said_to_be_done() {
    let installed = prepared();
    let _daemon = FakeDaemon::silent(&installed);
    let outcome = installed.ctl(&["pause", "orders"]).ended_with(1);
    assert!(
        outcome.stderr.starts_with("No answer within 10 seconds: sync \"orders\" may go on as before\nHINT: "),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stdout, "");
}
