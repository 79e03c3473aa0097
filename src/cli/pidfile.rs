//! The pid files of the daemon, as the commands see them (reference, section 6): one of the master,
//! whose first line is its process id, and one of each sync's controller.

use crate::cli::{Session, files};
use crate::control::presence::{Process, presence};
use crate::daemon::process::instance;
use crate::daemon::process::pidfile as daemon;
pub use crate::daemon::process::pidfile::{ctl as controller_path, is_master, mcp as master_path};
use crate::error::Result;
use crate::files::is_trusted;
use crate::warn_user;
use nix::unistd::Uid;
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

/// The master that keeps its files in this directory, if one lives there and it is not this
/// instance's.
pub fn other_master(piddir: &Path, ours: &str) -> Option<i32> {
    living_master(piddir).filter(|_| instance::is_other(&master_path(piddir), ours))
}

/// The process of our master: by the control database, whatever happened to its files, else by its
/// pid file.
pub fn our_master(session: &mut Session) -> Result<Option<i32>> {
    let presence = presence(&mut session.control)?;
    let known = presence.daemon().map(|daemon| &daemon.master).filter(|master| master.lives_here());
    if let Some(Process { pid, .. }) = known {
        return Ok(Some(*pid));
    }
    let piddir = Path::new(&session.files.piddir);
    let Some(pid) = living_master(piddir) else { return Ok(None) };
    let ours = instance::line(&mut session.control)?;
    Ok(Some(pid).filter(|_| other_master(piddir, &ours).is_none()))
}

/// The masters of our user on this machine, of all users for the superuser, with their titles.
pub fn masters() -> Vec<(i32, String)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ours = processes.filter(|process| Uid::effective().is_root() || process.metadata().is_ok_and(|it| is_trusted(&it)));
    let masters = ours.filter_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        let title = fs::read(process.path().join("cmdline")).ok().filter(|title| title.starts_with(daemon::MASTER))?;
        Some((pid, String::from_utf8_lossy(&title).trim_end_matches(['\0', ' ']).to_owned()))
    });
    masters.collect()
}

/// The living processes that a master has started, and those that these have.
pub fn descendants(master: i32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let parents: Vec<(i32, i32)> = pids.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![master];
    let mut at = 0;
    while let Some(above) = found.get(at).copied() {
        at += 1;
        let below: Vec<i32> = parents.iter().filter(|(_, parent)| *parent == above).map(|(pid, _)| *pid).collect();
        found.extend(below.into_iter().filter(|pid| is_bucardo(*pid)));
    }
    found.split_off(1)
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.get(stat.rfind(')')? + 1..)?.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a process shows that it belongs to a daemon.
fn is_bucardo(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|title| title.starts_with(b"Bucardo "))
}

/// Removes the controllers' pid files of syncs that are not in `known`, and says so.
pub fn tidy(session: &mut Session, known: &[&str]) -> Result<()> {
    let unknown = unknown(Path::new(&session.files.piddir), known);
    if unknown.is_empty() {
        return Ok(());
    }
    let ours = instance::line(&mut session.control)?;
    for path in unknown.into_iter().filter(|path| may_go(path, &ours)) {
        if fs::remove_file(&path).is_ok() {
            warn_user!("Invalid pid file found: {} - removing it", path.display());
        }
    }
    Ok(())
}

/// The controllers' pid files of syncs that are not in `known`. A directory that cannot be read has
/// none.
fn unknown(piddir: &Path, known: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(piddir).into_iter().flatten().flatten();
    let unknown = entries.filter(|entry| {
        let name = entry.file_name();
        let sync = name.to_str().and_then(|name| name.strip_prefix("bucardo.ctl.sync.")?.strip_suffix(".pid"));
        sync.is_some_and(|sync| !known.contains(&sync))
    });
    unknown.map(|entry| entry.path()).collect()
}

/// Whether a pid file is this instance's, or names a process that is none of any daemon's.
fn may_go(path: &Path, ours: &str) -> bool {
    if instance::is_ours(path, ours) {
        return true;
    }
    let text = crate::files::read(path).unwrap_or_default();
    let pid = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok());
    !instance::is_other(path, ours) && !pid.is_some_and(is_bucardo)
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
    fn only_pid_files_of_unknown_syncs_of_this_instance_may_go() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["bucardo.ctl.sync.a.pid", "bucardo.ctl.sync.gone.pid", "bucardo.kid.sync.gone.B.pid", "bucardo.mcp.pid"] {
            fs::write(dir.path().join(name), "1\n").unwrap();
        }
        let gone = dir.path().join("bucardo.ctl.sync.gone.pid");
        assert_eq!(unknown(dir.path(), &["a"]), std::slice::from_ref(&gone));
        let ours = "instance a.1.5432 of x";
        assert!(may_go(&gone, ours));
        fs::write(&gone, "1\ninstance b.1.5432 of y\n").unwrap();
        assert!(!may_go(&gone, ours));
        fs::write(&gone, format!("{}\n{ours}\n", std::process::id())).unwrap();
        assert!(may_go(&gone, ours));
    }

    #[test]
    fn who_has_no_children_of_ours_has_none() {
        assert_eq!(descendants(i32::try_from(std::process::id()).unwrap()), [0; 0]);
    }
}
