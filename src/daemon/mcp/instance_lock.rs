//! One daemon for each control database. A pid file tells of a daemon on this machine that uses the
//! same directory; of others, on other machines too, a row in the control database does, which
//! holds as long as the MCP's session lives (see [`crate::control::presence`]).
//!
//! A session can outlive its daemon, when the network is cut or a machine dies and the server has
//! not found out. The row says to which directory of pid files the session belongs: a daemon that
//! has its pid file there knows that all others of this directory are dead.

use crate::control::presence::{self, Daemon};
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::pidfile::STEP;
use crate::error::{Error, Kind, Result};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long another daemon may take to leave, if it is about to.
const OTHERS: Duration = Duration::from_secs(4);

/// A server that lost a client without a word finds out within a minute. Sockets that never leave
/// the machine have no such settings.
const ATTENTIVE: &str = "set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3";

/// Takes the place of the one that serves the control database, for this session and the daemon
/// whose pid file is in `piddir`. A session of an earlier one there is ended; if it is another
/// daemon's, that is [`Kind::Refused`].
pub(super) fn take(session: &mut ControlSession, piddir: &Path) -> Result<()> {
    let directory = identity(piddir)?;
    session.control.batch(ATTENTIVE)?;
    let end = Instant::now() + OTHERS;
    while let Some(other) = presence::claim(&mut session.control, piddir, &directory)? {
        if other.directory == directory {
            session.control.execute("select pg_catalog.pg_terminate_backend($1)", &[&other.backend])?;
        } else if Instant::now() >= end {
            return Err(refusal(&other));
        }
        sleep(STEP);
    }
    Ok(())
}

/// What tells a directory from all others, under whatever name and on whatever machine.
fn identity(piddir: &Path) -> Result<String> {
    let unknown = |error| Error::new(Kind::File, format!("Cannot look at directory \"{}\"", piddir.display())).caused_by(error);
    let directory = fs::metadata(piddir).map_err(unknown)?;
    let machine = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Ok(format!("{} {} {}", machine.trim(), directory.dev(), directory.ino()))
}

fn refusal(other: &Daemon) -> Error {
    let sentence = format!(
        "Another daemon serves this control database, from {} (PID {} on \"{}\", server process {}): stop it there first; \
         if its machine is gone, the server notices within a minute",
        other.address, other.master.pid, other.master.host, other.backend
    );
    Error::new(Kind::Refused, sentence).exit_code(1)
}
