//! `reopen`: lets all processes of the daemon open their log files anew, after somebody moved them away (reference, 8.5).

use crate::cli::{Session, help, pidfile, refusal, table::Topic};
use crate::error::{Error, Kind, Result};
use crate::say;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: reopen

  reopen",
)];

/// `reopen`.
pub fn run(session: &mut Session, _nouns: &[String]) -> Result<u8> {
    let piddir = Path::new(&session.files.piddir);
    let Some(master) = pidfile::living_master(piddir) else {
        let path = pidfile::master_path(piddir).display().to_string();
        return Err(refusal::missing(format!("Could not open pid file {path}: is Bucardo running?"), "`start` starts it"));
    };
    send(master).map_err(|errno| {
        Error::new(Kind::Denied, format!("The daemon (PID {master}) takes no signal from you")).caused_by(errno)
    })?;
    // Whoever has just died is not there to be told.
    pidfile::children(piddir).into_iter().for_each(|pid| {
        let _ = send(pid);
    });
    say!("Sent USR2 to Bucardo processes");
    Ok(0)
}

fn send(pid: i32) -> nix::Result<()> {
    kill(Pid::from_raw(pid), Signal::SIGUSR2)
}
