//! `start` where it cannot start: it says why and leaves everything as it was.

use crate::harness::{Installed, Outcome};

fn refused(setting: &str, value: &str, args: &[&str]) -> (Installed, Outcome) {
    let installed = Installed::new();
    let update = "update bucardo.bucardo_config set value = $2 where setting = $1";
    installed.control().execute(update, &[&setting, &value]).unwrap();
    let outcome = installed.ctl(&[&["start", "because"], args].concat());
    assert!(!installed.home().join("bucardo.restart.reason.log").exists(), "a reason was written down");
    assert!(!installed.piddir().join("fullstopbucardo").exists(), "the running daemon was stopped");
    (installed, outcome)
}

#[test]
fn on_the_wrong_host() {
    for wanted in ["elsewhere.example", "=a.example,b.example", "~^nowhere[0-9]$"] {
        let (_installed, outcome) = refused("host_safety_check", wanted, &[]);
        let outcome = outcome.ended_with(2);
        let first = format!("Cannot start: configured to only run on \"{wanted}\". This is \"");
        assert!(outcome.stderr.starts_with(&first) && outcome.stderr.lines().count() == 6, "{}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn without_a_directory_for_its_files() {
    let (_installed, outcome) = refused("piddir", "/does/not/exist", &[]);
    assert!(outcome.ended_with(2).stderr.starts_with("Could not create \"/does/not/exist/fullstopbucardo\": No such file"));
}

#[test]
fn without_a_directory_for_its_log() {
    let (_installed, outcome) = refused("audit_pid", "0", &["--debugdir=/does/not/exist"]);
    let outcome = outcome.ended_with(255);
    assert!(outcome.stderr.starts_with("Cannot write the log file \"/does/not/exist/log.bucardo\""), "{}", outcome.stderr);
}

#[test]
fn with_a_syslog_facility_that_is_none() {
    let (_installed, outcome) = refused("syslog_facility", "LOG_NOWHERE", &["--debugsyslog=1"]);
    let outcome = outcome.ended_with(255);
    assert!(outcome.stderr.contains("names no syslog facility: \"LOG_NOWHERE\""), "{}", outcome.stderr);
}

#[test]
fn a_restart_that_cannot_start_does_not_stop() {
    let installed = Installed::new();
    let outcome = installed.ctl(&["restart", "--debugdir=/does/not/exist"]).ended_with(255);
    assert_eq!(outcome.stdout, "");
    assert!(!installed.piddir().join("fullstopbucardo").exists());
}
