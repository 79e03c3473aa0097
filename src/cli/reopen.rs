//! `reopen`: lets all processes of the daemon open their log files anew, after they were moved
//! away (reference, 8.5).

use crate::cli::{Session, help, pidfile, refusal, table::Topic};
use crate::control::presence::presence;
use crate::error::{Error, Kind, Result};
use crate::say;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;

/// The exit code without a daemon: that of a file that is missing.
const NO_DAEMON: u8 = 2;

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: reopen

  reopen",
)];

/// `reopen`.
pub fn run(session: &mut Session, _nouns: &[String]) -> Result<u8> {
    let Some(master) = pidfile::our_master(session)? else { return Err(no_daemon(session)?) };
    send(master).map_err(|errno| {
        Error::new(Kind::Denied, format!("The daemon (PID {master}) takes no signal from you")).caused_by(errno)
    })?;
    // Whoever has just died is not there to be told.
    pidfile::descendants(master).into_iter().for_each(|pid| {
        let _ = send(pid);
    });
    say!("Sent USR2 to Bucardo processes");
    Ok(0)
}

fn no_daemon(session: &mut Session) -> Result<Error> {
    let path = pidfile::master_path(Path::new(&session.files.piddir)).display().to_string();
    let sentence = format!("Could not open pid file {path}: is Bucardo running?");
    let elsewhere = presence(&mut session.control)?;
    let hint = match elsewhere.daemon().filter(|daemon| !daemon.master.is_here()) {
        Some(daemon) => format!("{} serves this control database: call `reopen` there", daemon.label()),
        None => format!("To start a daemon, run: {} start", session.prog),
    };
    Ok(refusal::missing(sentence, hint).exit_code(NO_DAEMON))
}

fn send(pid: i32) -> nix::Result<()> {
    kill(Pid::from_raw(pid), Signal::SIGUSR2)
}
