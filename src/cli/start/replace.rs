//! Making room for a new daemon: the old one stops and is gone, and its files are too.

use super::tell;
use crate::cli::pidfile::Master;
use crate::cli::{Session, pidfile, reason, stop, stopfile};
use crate::daemon::process::instance;
use crate::daemon::process::pidfile::{STEP, Turn};
use crate::error::{Error, Kind, Result};
use crate::{say, warn_user};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long the old daemon may take. Ours stops in under two seconds; a statement of the original's
/// may take longer.
const LIMIT: Duration = Duration::from_secs(10);

/// The newer dialect does not start over a running daemon, and says so. A pid file whose
/// process does not run is removed.
pub fn may_start(session: &Session, nouns: &[String]) -> Result<bool> {
    let piddir = Path::new(&session.files.piddir);
    let path = pidfile::master_path(piddir);
    match pidfile::master(piddir) {
        Master::Missing => Ok(true),
        Master::Pid(pid) if pidfile::is_master(pid) => {
            say!("Cannot start, PID file \"{}\" exists", path.display());
            reason::record_newer(&session.files.reason_file, "fail", nouns)?;
            Ok(false)
        }
        Master::Pid(pid) => {
            warn_user!("Removing file \"{}\" with stale PID {pid}", path.display());
            stopfile::remove(&path)?;
            Ok(true)
        }
        Master::Unreadable(_) | Master::Garbled(_) => Ok(true),
    }
}

/// Refuses a directory in which the daemon of another instance keeps its files: its stop file would
/// stop that one.
pub fn refuse_shared(session: &Session, ours: &str) -> Result<()> {
    let piddir = Path::new(&session.files.piddir);
    match pidfile::other_master(piddir, ours) {
        Some(pid) => Err(instance::in_use(piddir, &pidfile::master_path(piddir), pid)),
        None => Ok(()),
    }
}

/// Asks the running daemon to stop and waits until its process is gone.
pub fn stop_running(session: &mut Session, reason: &str) -> Result<()> {
    let path = stopfile::path(&session.files);
    // Where a start does not replace a daemon, a stop file is somebody's wish, and not ours.
    if !session.dialect().start_refuses {
        stopfile::create(&path, &session.prog)?;
    }
    let running = pidfile::our_master(session)?;
    stop::call(session, reason)?;
    let Some(pid) = running else { return Ok(()) };
    let end = Instant::now() + LIMIT;
    while pidfile::is_master(pid) {
        if Instant::now() >= end {
            return Err(still_there(pid, &path));
        }
        sleep(STEP);
    }
    Ok(())
}

/// Removes the stop file and what is left of the old daemon's pid file; one that another start has
/// just made stays. Both are announced by the stop file's name, as the older program has it.
pub fn clear_the_way(session: &Session) -> Result<()> {
    let piddir = Path::new(&session.files.piddir);
    let stop = stopfile::path(&session.files);
    remove(session, &stop, &stop)?;
    let _turn = Turn::take(piddir)?;
    match pidfile::living_master(piddir) {
        Some(_) => Ok(()),
        None => remove(session, &pidfile::master_path(piddir), &stop),
    }
}

fn remove(session: &Session, path: &Path, announced: &Path) -> Result<()> {
    if stopfile::remove(path)? {
        tell(
            session,
            &match session.dialect().newer {
                true => format!("Removing file \"{}\"", path.display()),
                false => format!("Removing {}", announced.display()),
            },
        );
    }
    Ok(())
}

fn still_there(pid: i32, stopfile: &Path) -> Error {
    let what = format!("The running daemon (PID {pid}) has not stopped within {} seconds; no other was started", LIMIT.as_secs());
    Error::new(Kind::Timeout, what).hint(format!("it was asked to stop by {}; once it is gone, start again", stopfile.display()))
}
