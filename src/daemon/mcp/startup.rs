//! The MCP's first steps: a place of its own, its pid file, its log, and the stop file that must
//! not exist.

use crate::daemon::process::instance;
use crate::daemon::process::launch::{FOREGROUND_VARIABLE, Launch};
use crate::daemon::process::pidfile::{self, PidFile, STEP, Turn};
use crate::daemon::process::signals::Signals;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::notice::{clock, log as our_log};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long another master may take to leave, if it is about to.
const OTHERS: Duration = Duration::from_secs(4);

/// What the MCP stands on for its whole life, with or without a control database.
pub(super) struct Startup {
    stopfile: PathBuf,
    reason_file: PathBuf,
    start_reason: Option<String>,
    inotify: Inotify,
    _pid_file: PidFile,
}

impl Startup {
    /// Takes possession: refuses if a stop file is there or another MCP lives.
    pub fn prepare(launch: &Launch) -> Result<Startup> {
        if std::env::var_os(FOREGROUND_VARIABLE).is_none() {
            // It fails only for a process that leads a session already, which is what is wanted.
            let _ = nix::unistd::setsid();
        }
        our_log::init(&launch.log, "MCP")?;
        refuse_stop_file(&launch.stopfile)?;
        let inotify = watch(&launch.piddir)?;
        let pid_file = take_possession(launch)?;
        pidfile::remove_children(&launch.piddir, &launch.instance);
        log::info!(
            "Starting Bucardo version {}, MCP PID: {}",
            crate::daemon::process::role::COMPATIBLE_VERSION,
            std::process::id()
        );
        if launch.dryrun {
            log::info!("This is a dry run: what would be replicated is told here, and rolled back");
        }
        let start_reason = tell_reason(&launch.reason_file);
        let (stopfile, reason_file) = (launch.stopfile.clone(), launch.reason_file.clone());
        Ok(Startup { stopfile, reason_file, start_reason, inotify, _pid_file: pid_file })
    }

    /// Why we were started, if a reason was given.
    pub fn start_reason(&self) -> Option<&str> {
        self.start_reason.as_deref()
    }

    /// Readable when a file appeared in the directory of the stop file.
    pub fn fd(&self) -> RawFd {
        self.inotify.as_fd().as_raw_fd()
    }

    /// Why we are to stop, if we are.
    pub fn stop_reason(&self, signals: &mut Signals) -> Option<String> {
        // The events only wake us; what counts is whether the file is there.
        while self.inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
        signals.drain();
        if signals.stop() {
            return Some("Asked to stop by a signal".to_owned());
        }
        if !files::is_there(&self.stopfile) {
            return None;
        }
        log::info!("Found stopfile \"{}\": exiting", self.stopfile.display());
        let reason = reason(&self.reason_file).map(|reason| format!(": {reason}"));
        Some(format!("Found stopfile{}", reason.unwrap_or_default()))
    }
}

fn watch(directory: &Path) -> Result<Inotify> {
    let start = || -> nix::Result<Inotify> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        inotify.add_watch(directory, AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CLOSE_WRITE)?;
        Ok(inotify)
    };
    start()
        .map_err(|error| Error::new(Kind::File, format!("Cannot watch directory \"{}\"", directory.display())).caused_by(error))
}

fn refuse_stop_file(path: &Path) -> Result<()> {
    match files::is_there(path) {
        true => Err(Error::new(Kind::Refused, format!("Cannot run while this file exists: \"{}\"", path.display())).exit_code(1)),
        false => Ok(()),
    }
}

/// Writes the pid file, once no other master lives: one that is there may be about to leave,
/// because whoever started us asked it to.
fn take_possession(launch: &Launch) -> Result<PidFile> {
    let path = pidfile::mcp(&launch.piddir);
    let end = Instant::now() + OTHERS;
    loop {
        let turn = Turn::take(&launch.piddir)?;
        match pidfile::living_master(&path) {
            None => return PidFile::write(path, &[&launch.program, &clock::now(), &launch.instance]),
            Some(pid) if instance::is_other(&path, &launch.instance) => return Err(instance::in_use(&launch.piddir, &path, pid)),
            Some(pid) if Instant::now() >= end => return Err(somebody_else(&path, pid)),
            Some(_) => drop(turn),
        }
        sleep(STEP);
    }
}

fn somebody_else(path: &Path, pid: i32) -> Error {
    let sentence = format!("File \"{}\" already exists (PID={pid}): cannot run until it is removed", path.display());
    Error::new(Kind::Refused, sentence).exit_code(1)
}

/// The reason for this start goes into the log; its file is used up by that.
fn tell_reason(path: &Path) -> Option<String> {
    let reason = reason(path)?;
    log::info!("Reason: {reason}");
    let _ = fs::remove_file(path);
    Some(reason)
}

fn reason(path: &Path) -> Option<String> {
    let text = files::read(path).ok()?;
    Some(reason_in(&text).to_owned()).filter(|reason| !reason.is_empty())
}

/// What follows the date, and the verb that the newer dialect writes before the reason.
fn reason_in(text: &str) -> &str {
    let behind = text.split_once('|').map_or(text, |(_, behind)| behind);
    let verb = |word: &str| [" start ", " stop  ", " restart ", " fail  "].contains(&word);
    behind.split_once('|').filter(|(word, _)| verb(word)).map_or(behind, |(_, reason)| reason).trim()
}

/// Answers whoever started us, once: `ready`, or why not. From then on nobody reads what we would
/// print.
pub(super) fn answer(launch: &Launch, text: &str) {
    if std::env::var_os(FOREGROUND_VARIABLE).is_some() {
        if text != crate::daemon::process::launch::READY && !launch.log.stderr {
            eprintln!("{text}");
        }
        return;
    }
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{}", text.replace('\n', " ")).and_then(|()| out.flush());
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdin(&null);
        let _ = nix::unistd::dup2_stdout(&null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_what_follows_the_date_and_the_verb() {
        for (text, reason) in [
            ("Mon Nov 23 02:24:13 2026 | new disks\n", "new disks"),
            ("Mon Nov 23 02:24:13 2026 | stop  | new | disks\n", "new | disks"),
            ("Mon Nov 23 02:24:13 2026 | start | \n", ""),
            ("Mon Nov 23 02:24:13 2026 | a | b\n", "a | b"),
        ] {
            assert_eq!(reason_in(text), reason, "{text}");
        }
    }
}
