//! Pid files (reference, section 3.2): names and contents that scripts read.

use crate::daemon::process::instance;
use crate::error::{Error, Kind, Result};
use crate::files;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::libc;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The words every master shows in the process list.
pub const MASTER: &[u8] = b"Bucardo Master Control Program";
/// How long to wait for a turn that others keep for a moment only.
const TURN: Duration = Duration::from_secs(5);
/// How often files and processes are looked at: nobody tells us of a lock that is free, or of the
/// end of a process that is not our child.
pub const STEP: Duration = Duration::from_millis(20);

/// The MCP's file.
pub fn mcp(piddir: &Path) -> PathBuf {
    piddir.join("bucardo.mcp.pid")
}

/// A controller's file.
pub fn ctl(piddir: &Path, sync: &str) -> PathBuf {
    piddir.join(format!("bucardo.ctl.sync.{sync}.pid"))
}

/// A kid's file.
pub fn kid(piddir: &Path, sync: &str, target: &str) -> PathBuf {
    piddir.join(format!("bucardo.kid.sync.{sync}.{target}.pid"))
}

/// The right to say who is the master of a piddir: whoever looks at the MCP's file and then writes
/// or removes it holds it, or two that start at the same time would both find none. It is a lock on
/// the directory itself, so nothing is left behind.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held, not used")] Flock<File>);

impl Turn {
    /// Waits for it.
    pub fn take(piddir: &Path) -> Result<Turn> {
        let failed = |error: std::io::Error| {
            Error::new(Kind::File, format!("Cannot lock directory \"{}\"", piddir.display())).caused_by(error)
        };
        let end = Instant::now() + TURN;
        loop {
            let directory = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(piddir).map_err(failed)?;
            match Flock::lock(directory, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Turn(lock)),
                Err((_, Errno::EWOULDBLOCK)) if Instant::now() < end => sleep(STEP),
                Err((_, errno)) => return Err(failed(errno.into())),
            }
        }
    }
}

/// Whether the process is a master, ours or the original's: both show the same title. Where the
/// system hides the titles of other people's processes, that it exists must do.
pub fn is_master(pid: i32) -> bool {
    match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(title) => title.starts_with(MASTER),
        Err(_) => !matches!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH)),
    }
}

/// The master that the pid file names, if it lives and really is one: after a crash or a reboot the
/// file may name anybody.
pub fn living_master(path: &Path) -> Option<i32> {
    read(path).and_then(|pid| i32::try_from(pid).ok()).filter(|pid| is_master(*pid))
}

/// A pid file of this process; removed when dropped, unless another process has taken it over
/// meanwhile.
#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    /// Writes this process's id and then `lines`. The file appears complete or not at all.
    pub fn write(path: PathBuf, lines: &[&str]) -> Result<PidFile> {
        let mut text = format!("{}\n", std::process::id());
        lines.iter().for_each(|line| text += &format!("{line}\n"));
        let draft = path.with_extension(format!("new.{}", std::process::id()));
        // One that is there was left by a process that had the same id.
        let _ = fs::remove_file(&draft);
        let opened = files::open(&draft, OpenOptions::new().mode(0o644).write(true).create_new(true));
        let written = opened.and_then(|mut file| file.write_all(text.as_bytes())).and_then(|()| fs::rename(&draft, &path));
        let written = written.inspect_err(|_| drop(fs::remove_file(&draft)));
        written.map_err(|error| Error::new(Kind::File, format!("Could not write \"{}\"", path.display())).caused_by(error))?;
        Ok(PidFile(path))
    }

    /// That of a controller or a KID, which is there to be looked at: where it cannot be written,
    /// as in a directory that is gone, the process goes on without.
    pub fn of_child(path: PathBuf, instance: &str) -> Option<PidFile> {
        let written = PidFile::write(path, &[instance]);
        written.inspect_err(|error| log::warn!("{error}; the process goes on without a pid file")).ok()
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        remove(&self.0, std::process::id());
    }
}

/// Removes the pid file of a child that is dead: one that was killed could not.
pub fn remove_of(path: &Path, child: i32) {
    u32::try_from(child).into_iter().for_each(|pid| remove(path, pid));
}

fn remove(path: &Path, pid: u32) {
    if read(path) == Some(pid) {
        // What cannot be removed is found stale by whoever reads it.
        let _ = fs::remove_file(path);
    }
}

fn read(path: &Path) -> Option<u32> {
    files::read(path).ok()?.lines().next()?.trim().parse().ok()
}

/// Removes the pid files of this instance but the MCP's: those of processes that can no longer
/// exist. What is another instance's stays.
pub fn remove_children(piddir: &Path, instance: &str) {
    let Ok(entries) = fs::read_dir(piddir) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_child = ["bucardo.ctl.sync.", "bucardo.kid.sync."].iter().any(|start| name.starts_with(start));
        if is_child && !instance::is_other(&entry.path(), instance) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
