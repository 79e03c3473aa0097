//! `stop`, and the reasons that it and `start` write down.

use super::fake_daemon::FakeDaemon;
use super::prepared::prepared;
use crate::harness::{Installed, wait_until};
use std::fs::read_to_string;
use std::sync::mpsc::channel;
use std::time::Duration;

/// Sets a row of bucardo_config.
fn set(installed: &Installed, setting: &str, value: &str) {
    let update = "update bucardo.bucardo_config set value = $2 where setting = $1";
    installed.control().execute(update, &[&setting, &value]).unwrap();
}

#[test]
fn a_stop_leaves_its_file_its_reason_and_a_notice() {
    let installed = Installed::new();
    let (sender, heard) = channel();
    let _daemon = FakeDaemon::new(&installed, "bucardo_mcp_fullstop", move |_, reason| sender.send(reason.to_owned()).unwrap());
    let file = installed.piddir().join("fullstopbucardo");
    assert_eq!(installed.ctl(&["stop", "new", "disks"]).ok(), format!("Creating {} ... Done\n", file.display()));
    let text = read_to_string(&file).unwrap();
    assert!(text.starts_with("Stopped by bucardo_ctl on ") && text.lines().count() == 1, "{text}");
    assert!(read_to_string(installed.home().join("bucardo.restart.reason.log")).unwrap().ends_with(" | new disks\n"));
    let history = read_to_string(installed.home().join("bucardo.restart.reason.log.log")).unwrap();
    assert!(history.ends_with(" | stop | new disks\n"), "{history}");
    assert_eq!(heard.recv_timeout(Duration::from_secs(30)).unwrap(), "new disks");
}

#[test]
fn a_stop_needs_no_reason_and_can_be_quiet() {
    let installed = Installed::new();
    assert_eq!(installed.ctl(&["stop", "--quiet"]).ok(), "");
    assert!(installed.piddir().join("fullstopbucardo").exists());
    assert!(!installed.home().join("bucardo.restart.reason.log").exists());
}

#[test]
fn a_stop_that_is_not_possible_does_nothing_at_all() {
    let installed = Installed::new();
    set(&installed, "piddir", "/does/not/exist");
    let outcome = installed.ctl(&["stop", "because"]).ended_with(2);
    assert_eq!(outcome.stdout, "Creating /does/not/exist/fullstopbucardo ... ");
    let sentence = "Could not create \"/does/not/exist/fullstopbucardo\": No such file or directory\n";
    assert!(outcome.stderr.starts_with(sentence), "{}", outcome.stderr);
    assert!(!installed.home().join("bucardo.restart.reason.log").exists());
}

#[test]
fn a_reason_that_cannot_be_written_down_prevents_no_stop() {
    let installed = Installed::new();
    set(&installed, "reason_file", "/does/not/exist/reason");
    let (sender, heard) = channel();
    let _daemon = FakeDaemon::new(&installed, "bucardo_mcp_fullstop", move |_, reason| sender.send(reason.to_owned()).unwrap());
    for program in ["bucardo_ctl", "bucardo"] {
        let outcome = installed.call(program, &["stop", "because"]).run().ended_with(0);
        assert!(outcome.stderr.starts_with("Note: Could not open \"/does/not/exist/reason"), "{}", outcome.stderr);
        assert!(outcome.stdout.ends_with("fullstopbucardo ... Done\n"), "{}", outcome.stdout);
        assert_eq!(heard.recv_timeout(Duration::from_secs(30)).unwrap(), "because");
        std::fs::remove_file(installed.piddir().join("fullstopbucardo")).unwrap();
    }
}

/// The reason file is where the command is called, unless a setting says otherwise.
#[test]
fn a_stop_works_in_a_directory_that_cannot_be_written() {
    let installed = Installed::new();
    let outcome = installed.call("bucardo_ctl", &["stop", "because"]).dir("/proc").run().ended_with(0);
    assert!(outcome.stderr.starts_with("Note: Could not open \"bucardo.restart.reason.log"), "{}", outcome.stderr);
    assert!(installed.piddir().join("fullstopbucardo").exists());
}

/// The daemon lives, and waits for its control database to come back.
#[test]
fn a_stop_without_control_database_tells_what_stops_the_daemon() {
    let mut installed = prepared();
    installed.ctl(&["start"]).ok();
    let pid_file = installed.piddir().join("bucardo.mcp.pid");
    let pid = read_to_string(&pid_file).unwrap().lines().next().unwrap().to_owned();
    installed.cluster.stop();
    let outcome = installed.ctl(&["stop", "because"]).ended_with(255);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains("DBI connect("), "{}", outcome.stderr);
    let hint = outcome.stderr.lines().find(|line| line.starts_with("HINT: ")).unwrap();
    assert!(hint.contains(&pid) && hint.contains("un: kill "), "{hint}");

    let place = format!("--piddir={}", installed.piddir().display());
    let outcome = installed.ctl(&["stop", &place]).ended_with(255);
    assert!(outcome.stdout.ends_with("fullstopbucardo ... Done\n"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains(" stops now."), "{}", outcome.stderr);
    wait_until("the daemon has stopped", Duration::from_secs(30), || (!pid_file.exists()).then_some(()));
}
