//! `start`: replacing a daemon that runs, and saying why where it cannot start, which leaves
//! everything as it was.

use super::fake_daemon::FakeMaster;
use super::prepared::prepared;
use crate::harness::{Installed, Outcome, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::read_to_string;
use std::time::Duration;

/// The process id in the master's pid file.
fn master(installed: &Installed) -> Option<i32> {
    read_to_string(installed.piddir().join("bucardo.mcp.pid")).ok()?.lines().next()?.parse().ok()
}

/// A process that is dead but not yet buried has no title any more.
fn lives(pid: i32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|title| !title.is_empty())
}

#[test]
fn success_means_that_the_daemon_runs() {
    let installed = prepared();
    let told = installed.ctl(&["start", "new", "disks"]).ok();
    let stopfile = installed.piddir().join("fullstopbucardo");
    let lines = format!("Checking for existing processes\nRemoving {}\nStarting Bucardo\n", stopfile.display());
    assert_eq!(told, lines);
    assert!(installed.ctl(&["ping", "0"]).ok().starts_with("OK: Got response from PID "));
    let pid = master(&installed).unwrap();
    assert!(installed.ctl(&["status"]).ok().contains(&format!("PID of Bucardo MCP: {pid}\n")));
    assert!(installed.log().contains("new disks"), "{}", installed.log());
    let history = read_to_string(installed.home().join("bucardo.restart.reason.log.log")).unwrap();
    assert!(history.ends_with(" | start | new disks\n"), "{history}");
}

/// Whoever reads what the command prints reads to the end, and whoever waits for a lock waits until
/// all have closed its file.
#[test]
fn a_daemon_holds_nothing_of_whoever_started_it() {
    let installed = prepared();
    let script = "exec 9>lock; flock --nonblock 9; out=$(bucardo_ctl start 2>&1); echo \"$out\" | tail -1
        bucardo_ctl restart 2>&1 | tail -1; exec 9>&-; flock --nonblock lock echo free";
    let said = installed.call("/bin/bash", &["-c", script]).run().ended_with(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("Starting Bucardo\nStarting Bucardo\nfree\n", ""));
    assert!(lives(master(&installed).unwrap()), "the daemon is gone");
}

#[test]
fn a_start_replaces_the_daemon_that_runs() {
    let installed = prepared();
    installed.ctl(&["start", "--quiet"]).ok();
    let first = master(&installed).unwrap();
    assert_eq!(installed.ctl(&["start", "--quiet"]).ok(), "");
    assert_ne!(master(&installed).unwrap(), first);
    assert!(!lives(first), "the first daemon still lives");
}

#[test]
fn a_restart_records_its_reason_twice_and_leaves_a_daemon_that_answers() {
    let installed = prepared();
    installed.ctl(&["start"]).ok();
    let told = installed.ctl(&["restart", "better", "now"]).ok();
    assert!(told.starts_with("Creating ") && told.contains(" ... Done\nChecking for existing") && told.ends_with("Bucardo\n"));
    let history = read_to_string(installed.home().join("bucardo.restart.reason.log.log")).unwrap();
    assert_eq!(history.matches(" | restart | better now\n").count(), 2);
    installed.ctl(&["ping"]).ok();
}

#[test]
fn a_stopped_daemon_is_gone_soon() {
    let installed = prepared();
    installed.ctl(&["start"]).ok();
    let pid = master(&installed).unwrap();
    installed.ctl(&["stop"]).ok();
    wait_until("the daemon is gone", Duration::from_secs(30), || (!lives(pid)).then_some(()));
    assert!(installed.piddir().join("fullstopbucardo").exists() && master(&installed).is_none());
}

#[test]
fn in_the_foreground_the_command_is_the_daemon() {
    let installed = prepared();
    let running = installed.call("bucardo_ctl", &["start", "--foreground"]).start();
    wait_until("the daemon has its pid file", Duration::from_secs(30), || master(&installed));
    assert_eq!(master(&installed), i32::try_from(running.child.id()).ok());
    installed.ctl(&["ping"]).ok();
    kill(Pid::from_raw(master(&installed).unwrap()), Signal::SIGTERM).unwrap();
    let outcome = running.wait().ended_with(0);
    assert!(outcome.stderr.contains("  MCP "), "the log is not on standard error: {}", outcome.stderr);
}

#[test]
fn a_stale_pid_file_is_removed_under_the_name_that_scripts_know() {
    let installed = prepared();
    std::fs::write(installed.piddir().join("bucardo.mcp.pid"), "4194305\n").unwrap();
    let removing = format!("Removing {}\n", installed.piddir().join("fullstopbucardo").display());
    assert_eq!(installed.ctl(&["start"]).ok().matches(&removing).count(), 2);
}

/// Pid files in two directories know nothing of one another, as those of two machines do.
#[test]
fn a_start_replaces_the_daemon_that_serves_the_same_control_database_from_elsewhere() {
    let installed = prepared();
    installed.ctl(&["start"]).ok();
    let first = master(&installed).unwrap();
    let elsewhere = installed.dir().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let piddir = format!("--piddir={}", elsewhere.display());
    installed.bucardo(&["start", &piddir]).ok();
    wait_until("the first daemon is gone", Duration::from_secs(30), || (!lives(first)).then_some(()));
    installed.bucardo(&["stop", &piddir]).ok();
}

#[test]
fn beside_a_daemon_elsewhere_that_does_not_stop() {
    let installed = prepared();
    let other = installed.served();
    let outcome = installed.ctl(&["start"]).ended_with(1);
    let sentence = "Another daemon serves this control database, from the server's machine (PID 0 on \"host\", server process ";
    assert!(outcome.stderr.starts_with(sentence), "{}", outcome.stderr);
    wait_until("its pid file is gone", Duration::from_secs(30), || master(&installed).is_none().then_some(()));
    drop(other);
    installed.ctl(&["start"]).ok();
}

#[test]
fn over_a_daemon_that_does_not_stop() {
    let installed = prepared();
    let mut old = FakeMaster::new(&installed, false);
    let outcome = installed.ctl(&["start"]).ended_with(255);
    let sentence = format!("The running daemon (PID {}) has not stopped within 10 seconds; no other was started\n", old.pid());
    assert!(outcome.stderr.starts_with(&sentence), "{}", outcome.stderr);
    assert!(!old.has_ended() && !outcome.stdout.contains("Starting"));
}

#[test]
fn an_older_daemon_is_waited_for() {
    let installed = prepared();
    let mut old = FakeMaster::new(&installed, true);
    installed.ctl(&["start"]).ok();
    assert!(old.has_ended() && master(&installed) != i32::try_from(old.pid()).ok());
}

#[test]
fn without_any_active_sync() {
    let installed = Installed::new();
    let outcome = installed.ctl(&["start"]).ended_with(1);
    assert!(outcome.stderr.starts_with("No active syncs were found, so we are exiting\n"), "{}", outcome.stderr);
    wait_until("its pid file is gone", Duration::from_secs(30), || master(&installed).is_none().then_some(()));
}

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
