//! The pid files of the daemon, as the commands see them (reference, section 6): one of the master, whose first line is its
//! process id, and one of each sync's controller.

use crate::cli::files;
use crate::daemon::pidfile as daemon;
pub use crate::daemon::pidfile::{ctl as controller_path, is_master, mcp as master_path};
use crate::warn_user;
use std::fs;
use std::path::{Path, PathBuf};

/// What the master's pid file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Master {
    /// There is no file.
    Missing,
    /// It cannot be read, because of this.
    Unreadable(String),
    /// Its first line is this, which is no process id.
    Garbled(String),
    /// It names a process.
    Pid(i32),
}

/// Reads the master's pid file.
pub fn master(piddir: &Path) -> Master {
    match crate::files::read(&master_path(piddir)) {
        Ok(text) => master_in(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Master::Missing,
        Err(error) => Master::Unreadable(files::reason(&error)),
    }
}

fn master_in(text: &str) -> Master {
    let first = text.lines().next().unwrap_or_default();
    match first.trim().parse() {
        Ok(pid) if pid > 0 => Master::Pid(pid),
        _ => Master::Garbled(first.to_owned()),
    }
}

/// The process id of the master, if one lives.
pub fn living_master(piddir: &Path) -> Option<i32> {
    daemon::living_master(&master_path(piddir))
}

/// The living processes of the daemon that have pid files, but for the master.
pub fn children(piddir: &Path) -> Vec<i32> {
    let entries = fs::read_dir(piddir).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.starts_with("bucardo.") && name.ends_with(".pid") && name != "bucardo.mcp.pid")
    });
    let pid = |path: PathBuf| crate::files::read(&path).ok()?.lines().next()?.trim().parse::<i32>().ok();
    let pids = ours.filter_map(|entry| pid(entry.path()));
    pids.filter(|pid| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|title| title.starts_with(b"Bucardo "))).collect()
}

/// Removes the controllers' pid files of syncs that are not in `known`, and says so.
pub fn tidy(piddir: &Path, known: &[&str]) {
    for path in remove_unknown(piddir, known) {
        warn_user!("Invalid pid file found: {} - removing it", path.display());
    }
}

/// Removes the controllers' pid files of syncs that are not in `known`, and returns their paths. A directory that cannot be
/// read has none.
fn remove_unknown(piddir: &Path, known: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(piddir).into_iter().flatten().flatten();
    let unknown = entries.filter(|entry| {
        let name = entry.file_name();
        let sync = name.to_str().and_then(|name| name.strip_prefix("bucardo.ctl.sync.")?.strip_suffix(".pid"));
        sync.is_some_and(|sync| !known.contains(&sync))
    });
    unknown.map(|entry| entry.path()).filter(|path| fs::remove_file(path).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn only_the_first_line_is_the_pid() {
        assert_eq!(master_in("28242\nbucardo_ctl\nMon Nov 23 02:24:13 2026\n"), Master::Pid(28242));
        assert_eq!(master_in("hello\n1\n"), Master::Garbled("hello".to_owned()));
        assert_eq!(master_in("-1\n"), Master::Garbled("-1".to_owned()));
        assert_eq!(master_in(""), Master::Garbled(String::new()));
    }

    #[test]
    fn a_process_that_is_no_master_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(master(dir.path()), Master::Missing);
        fs::write(master_path(dir.path()), format!("{}\n", std::process::id())).unwrap();
        assert_eq!(living_master(dir.path()), None);
        fs::write(master_path(dir.path()), "4194305\n").unwrap();
        assert_eq!(living_master(dir.path()), None);
    }

    #[test]
    fn only_pid_files_of_unknown_syncs_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["bucardo.ctl.sync.a.pid", "bucardo.ctl.sync.gone.pid", "bucardo.kid.sync.gone.B.pid", "bucardo.mcp.pid"] {
            fs::write(dir.path().join(name), "1\n").unwrap();
        }
        assert_eq!(remove_unknown(dir.path(), &["a"]), [dir.path().join("bucardo.ctl.sync.gone.pid")]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }
}
