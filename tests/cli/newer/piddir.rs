//! `--piddir` of 5.6 is for every verb (reference, 8.1), and `stop` with it needs no database
//! (8.8).

use super::super::prepared::prepared;
use crate::harness::{Installed, wait_until};
use std::path::PathBuf;
use std::time::Duration;

const STOPFILE: &str = "fullstopbucardo";

/// A directory besides that of the settings.
fn another(installed: &Installed) -> PathBuf {
    let path = installed.dir().join("another");
    std::fs::create_dir(&path).unwrap();
    path
}

#[test]
fn a_stop_elsewhere_leaves_the_daemon_of_the_usual_directory_alone() {
    let installed = prepared();
    let other = another(&installed);
    installed.ctl(&["start"]).ok();
    let option = format!("--piddir={}", other.display());
    let said = installed.bucardo(&[&option, "stop"]).ok();
    assert_eq!(said, format!("Creating {} ... Done\n", other.join(STOPFILE).display()));
    assert!(other.join(STOPFILE).exists() && !installed.piddir().join(STOPFILE).exists());
    installed.ctl(&["ping"]).ok();
    assert!(installed.bucardo(&["status", "--pid-dir", &other.display().to_string()]).ok().starts_with('\n'));
    assert!(installed.ctl(&["status", &option]).ok().contains("PID of Bucardo MCP: "), "the older command ignores it");
    installed.ctl(&["stop", &option]).ok();
    assert!(installed.piddir().join(STOPFILE).exists());
}

#[test]
fn a_daemon_may_be_started_with_another_directory_and_stopped_without_a_database() {
    let installed = prepared();
    let other = another(&installed);
    let option = format!("--piddir={}", other.display());
    installed.bucardo(&["start", &option]).ok();
    assert!(other.join("bucardo.mcp.pid").exists() && !installed.piddir().join("bucardo.mcp.pid").exists());
    let stopped = installed.bucardo(&[&option, "--dbport=1", "--no-bucardorc", "stop", "no", "database"]).ended_with(0);
    assert_eq!(stopped.stdout, format!("Creating {} ... Done\n", other.join(STOPFILE).display()));
    wait_until("the daemon is gone", Duration::from_secs(20), || (!other.join("bucardo.mcp.pid").exists()).then_some(()));
    installed.bucardo(&["--dbport=1", "--no-bucardorc", "stop"]).ended_with(255);
    installed.ctl(&[&option, "--dbport=1", "--no-bucardorc", "stop"]).ended_with(255);
}

#[test]
fn a_start_removes_only_a_stop_file_that_was_there() {
    let installed = prepared();
    let file = installed.piddir().join(STOPFILE);
    let said = installed.bucardo(&["start"]).ok();
    assert!(!said.contains("Removing"), "{said}");
    installed.bucardo(&["stop"]).ok();
    let pid_file = installed.piddir().join("bucardo.mcp.pid");
    wait_until("the daemon is gone", Duration::from_secs(20), || (!pid_file.exists()).then_some(()));
    let said = installed.bucardo(&["start"]).ok();
    assert_eq!(said.matches(&format!("Removing file \"{}\"\n", file.display())).count(), 1, "{said}");
    assert!(!file.exists());
}
