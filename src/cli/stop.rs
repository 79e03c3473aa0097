//! `stop`: asks the daemon to stop, and does not wait (reference, 3.3). Where the stop file cannot
//! be made, or the daemon looks for it elsewhere, the daemon is told through the control database,
//! waited for, and, on this machine, at last sent SIGTERM.

mod unreachable;

use crate::cli::answer::notify_with;
use crate::cli::session::Files;
use crate::cli::{Invocation, Personality, Session, help, pidfile, reason, stopfile, table::Topic};
use crate::control::channel;
use crate::control::presence::{Daemon, presence};
use crate::daemon::process::instance;
use crate::daemon::process::pidfile::STEP;
use crate::error::{Error, Kind, Result};
use crate::{say, say_part, warn_user};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: stop [reason]

  stop
  stop for new disks

The daemon is found whatever happened to piddir. One on another machine is asked through the control database.
While that cannot be reached, `stop --piddir=DIRECTORY` makes the stop file, and the hint tells what else stops the daemon.",
)];

/// The longest reason that fits into a NOTIFY.
const LONGEST: usize = 7000;
/// How long the daemon may take to leave when it was told through the control database, before it
/// is sent a signal, and after that.
const TOLD: Duration = Duration::from_secs(3);
const SIGNALLED: Duration = Duration::from_secs(5);

/// `stop [REASON]`. Who names a directory of pid files means the daemon there, and needs no
/// database for that.
pub fn command(invocation: &Invocation) -> Result<u8> {
    let nouns = &invocation.nouns;
    match (Session::open(invocation), invocation.piddir()) {
        (Ok(mut session), None) => stop(&mut session, "stop", nouns)?,
        (Ok(session), Some(_)) => Place::of(&session).stop("stop", nouns)?,
        (Err(error), None) => return Err(unreachable::stop(invocation, error)),
        (Err(_), Some(piddir)) => Place::named(invocation, Files::usual(piddir)).stop("stop", nouns)?,
    }
    Ok(0)
}

/// Stops. `verb` is what the history of reasons shows.
pub fn stop(session: &mut Session, verb: &str, nouns: &[String]) -> Result<()> {
    let place = Place::of(session);
    let ours = instance::line(&mut session.control)?;
    let running = presence(&mut session.control)?.daemon().cloned();
    let reason = reason::text(nouns);
    let piddir = Path::new(&place.files.piddir);
    let shared = pidfile::other_master(piddir, &ours).map(|pid| instance::in_use(piddir, &pidfile::master_path(piddir), pid));
    let obstacle = shared.or_else(|| stopfile::check(&stopfile::path(&place.files)).err());
    match (obstacle, running) {
        (None, None) => {
            place.stop(verb, nouns)?;
            call(session, &reason)
        }
        (None, Some(daemon)) => {
            place.record(verb, nouns)?;
            match place.create() {
                Ok(()) if looks_elsewhere(&daemon, piddir) => tell_and_wait(session, &reason, &daemon),
                Ok(()) => call(session, &reason),
                Err(obstacle) => stop_without_file(session, &reason, &daemon, &obstacle),
            }
        }
        // As ever, where there is no daemon that could be told otherwise.
        (Some(obstacle), None) => place.fail(obstacle),
        (Some(obstacle), Some(daemon)) => {
            place.record(verb, nouns)?;
            stop_without_file(session, &reason, &daemon, &obstacle)
        }
    }
}

fn stop_without_file(session: &mut Session, reason: &str, daemon: &Daemon, obstacle: &Error) -> Result<()> {
    warn_user!("Note: {obstacle}; {} is told through the control database", daemon.label());
    tell_and_wait(session, reason, daemon)
}

/// Whether a daemon has its files in another directory than the one in the settings, or that one is
/// gone.
fn looks_elsewhere(daemon: &Daemon, piddir: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    daemon.master.is_here() && !daemon.piddir.is_empty() && real(Path::new(&daemon.piddir)) != real(piddir)
}

/// Tells the daemon, and sees to it that it leaves. One on another machine, or one that nothing is
/// known of, is only told.
fn tell_and_wait(session: &mut Session, reason: &str, daemon: &Daemon) -> Result<()> {
    call(session, reason)?;
    let master = &daemon.master;
    if !master.is_here() {
        if !session.options.quiet {
            say!("Asked {} to stop", daemon.label());
        }
        return Ok(());
    }
    if !leaves(daemon, TOLD) {
        let sent = kill(Pid::from_raw(master.pid), Signal::SIGTERM);
        if !leaves(daemon, SIGNALLED) {
            let sentence = format!("{} was asked to stop, and has not left", daemon.label());
            let error = Error::new(Kind::Timeout, sentence).hint("Its log tells what it does.");
            return Err(match sent {
                Ok(()) => error,
                Err(errno) => error.caused_by(errno),
            });
        }
    }
    if !session.options.quiet {
        say!("Stopped {}", daemon.label());
    }
    Ok(())
}

fn leaves(daemon: &Daemon, limit: Duration) -> bool {
    let end = Instant::now() + limit;
    while daemon.master.lives_here() {
        if Instant::now() >= end {
            return false;
        }
        sleep(STEP);
    }
    true
}

/// What is needed to stop the daemon of a directory.
struct Place {
    files: Files,
    personality: Personality,
    prog: String,
    quiet: bool,
}

impl Place {
    fn of(session: &Session) -> Place {
        let (files, prog) = (session.files.clone(), session.prog.clone());
        Place { files, personality: session.personality, prog, quiet: session.options.quiet }
    }

    /// A directory that the caller has named.
    fn named(invocation: &Invocation, files: Files) -> Place {
        let (prog, quiet) = (invocation.prog.clone(), invocation.options.quiet);
        Place { files, personality: invocation.personality, prog, quiet }
    }

    /// Writes the reason and the stop file.
    fn stop(&self, verb: &str, nouns: &[String]) -> Result<()> {
        let path = stopfile::path(&self.files);
        if let Err(error) = stopfile::check(&path) {
            return self.fail(error);
        }
        self.record(verb, nouns)?;
        self.create()
    }

    /// Writes the stop file.
    fn create(&self) -> Result<()> {
        let path = stopfile::path(&self.files);
        if !self.quiet {
            say_part!("Creating {} ... ", path.display());
        }
        stopfile::create(&path, &self.prog)?;
        if !self.quiet {
            say!("Done");
        }
        Ok(())
    }

    /// The line about the stop file stays without its end.
    fn fail(&self, error: Error) -> Result<()> {
        if !self.quiet {
            say_part!("Creating {} ... ", stopfile::path(&self.files).display());
        }
        Err(error)
    }

    /// Writes the reason down. That this is not possible prevents no `stop`: the directory from
    /// which that is called may be anybody's. A restart would fail at the same point, with the
    /// daemon stopped.
    fn record(&self, verb: &str, nouns: &[String]) -> Result<()> {
        match reason::record_for(&self.files, self.personality, verb, nouns) {
            Err(error) if verb == "stop" => {
                warn_user!("Note: {error}; the reason is not written down");
                Ok(())
            }
            recorded => recorded,
        }
    }
}

/// Tells the daemon at once; also one that cannot see our piddir.
pub fn call(session: &mut Session, reason: &str) -> Result<()> {
    let payload = channel::cut(reason, LONGEST);
    notify_with(&mut session.control, "bucardo_mcp_fullstop", payload)
}
