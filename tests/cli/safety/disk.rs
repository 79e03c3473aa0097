//! Disks that are full, and readers that have gone.

use crate::cli::prepared::prepared;
use crate::harness::{Installed, Outcome};
use std::path::Path;
use std::process::{Command, Output};

/// Runs a line of shell beside the program.
fn shell(installed: &Installed, line: &str) -> Output {
    let mut bash = Command::new("bash");
    bash.args(["-c", line]).current_dir(installed.home()).env_clear().env("HOME", installed.home());
    bash.env("PATH", format!("{}:/usr/bin:/bin", installed.dir().join("bin").display()));
    bash.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_reader_that_has_gone_does_not_end_the_work() {
    let installed = prepared();
    for (line, code) in [("status", 0), ("list syncs", 0), ("show all", 1), ("kick orders", 0), ("add herd new", 0), ("help", 0)]
    {
        let done = shell(&installed, &format!("bucardo_ctl {line} | sleep 0; echo ${{PIPESTATUS[0]}}"));
        let closed = shell(&installed, &format!("bucardo_ctl {line} > >(exec true); echo $?"));
        for done in [done, closed] {
            assert_eq!(text(&done.stdout).lines().last(), Some(code.to_string().as_str()), "{line}: {}", text(&done.stderr));
            assert!(!text(&done.stderr).contains("panicked"), "{}", text(&done.stderr));
        }
    }
    let made: i64 = installed.control().query_one("select count(*) from bucardo.herd where name = 'new'", &[]).unwrap().get(0);
    assert_eq!(made, 1);
}

#[test]
fn what_a_full_disk_does_not_take_of_a_list_is_a_failure() {
    let installed = prepared();
    let done = shell(&installed, "bucardo_ctl list syncs > /dev/full");
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(text(&done.stderr), "Could not write standard output: No space left on device (os error 28)\n");
}

/// The reason could not be written: nothing was stopped or started.
fn refused(installed: &Installed, outcome: &Outcome, file: &str) {
    assert_eq!(outcome.code(), 28, "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("Could not write \"") && outcome.stderr.contains(file), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("No space left on device"), "{}", outcome.stderr);
    assert_eq!(std::fs::read_dir(installed.piddir()).unwrap().count(), 0);
}

/// Makes another `/dev/full`, if that is possible.
fn is_full_device(path: &Path) -> bool {
    let made = Command::new("mknod").arg(path).args(["c", "1", "7"]).output().unwrap().status.success();
    made && std::fs::OpenOptions::new().append(true).open(path).is_ok()
}

#[test]
fn a_full_disk_for_the_reason_prevents_a_start_and_no_stop() {
    let installed = prepared();
    let (latest, history) = ("bucardo.restart.reason.log", "bucardo.restart.reason.log.log");
    // No link to it, which would not be followed; nor in the folder of the test, which may be
    // mounted without devices.
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    installed.ctl(&["set", &format!("reason_file={}", place.path().join(latest).display())]).ok();
    for full in [latest, history] {
        let path = place.path().join(full);
        if !is_full_device(&path) {
            return eprintln!("only the superuser can make devices: not shown");
        }
        for verb in ["start", "restart"] {
            refused(&installed, &installed.ctl(&[verb, "new", "disks"]), full);
        }
        let stopped = installed.ctl(&["stop", "new", "disks"]).ended_with(0);
        assert!(stopped.stderr.starts_with("Note: Could not write \"") && stopped.stderr.contains(full), "{}", stopped.stderr);
        std::fs::remove_file(installed.piddir().join("fullstopbucardo")).unwrap();
        for file in [latest, history] {
            let path = place.path().join(file);
            assert!(file == full || std::fs::read_to_string(&path).unwrap().is_empty(), "{file}");
            std::fs::remove_file(path).unwrap();
        }
    }
}

/// No file may grow, as on a full disk; the signal that comes with it is ignored.
const FULL: &str = "trap '' XFSZ; ulimit -f 0;";

#[test]
fn a_full_disk_for_the_stop_file_or_the_pid_file_is_told_and_leaves_neither() {
    let installed = prepared();
    let stopped = shell(&installed, &format!("{FULL} bucardo_ctl stop 2>&1 | cat"));
    let stopped = text(&stopped.stdout);
    assert!(stopped.contains("Could not create \"") && stopped.contains("File too large"), "{stopped}");
    let line = format!("({FULL} bucardo_ctl start --debugfile=0 2>&1; echo code $?) | cat");
    let started = text(&shell(&installed, &line).stdout);
    assert!(started.contains("Could not ") && started.contains("File too large") && !started.contains("code 0"), "{started}");
    let left: Vec<_> = std::fs::read_dir(installed.piddir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
    let sql = "select count(*) from pg_stat_activity where datname = 'bucardo' and pid <> pg_backend_pid()";
    assert_eq!(installed.control().query_one(sql, &[]).unwrap().get::<_, i64>(0), 0, "no daemon is left");
}
