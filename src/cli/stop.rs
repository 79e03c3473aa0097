//! `stop`: asks the daemon to stop, and does not wait (reference, 3.3).

use crate::cli::{Session, help, reason, stopfile, table::Topic};
use crate::control::channel;
use crate::error::Result;
use crate::{say, say_part};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only("Usage: stop [reason]")];

/// The longest reason that fits into a NOTIFY.
const LONGEST: usize = 7000;

/// `stop [REASON]`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    stop(session, "stop", nouns)?;
    Ok(0)
}

/// Stops. `verb` is what the history of reasons shows.
pub fn stop(session: &mut Session, verb: &str, nouns: &[String]) -> Result<()> {
    let (path, quiet) = (stopfile::path(session), session.options.quiet);
    let possible = stopfile::check(&path);
    if possible.is_ok() {
        reason::record_for(session, verb, nouns)?;
    }
    if !quiet {
        say_part!("Creating {} ... ", path.display());
    }
    possible.and_then(|()| stopfile::create(&path, &session.prog))?;
    call(session, &reason::text(nouns))?;
    if !quiet {
        say!("Done");
    }
    Ok(())
}

/// Tells the daemon at once; also one that cannot see our piddir.
pub fn call(session: &mut Session, reason: &str) -> Result<()> {
    let payload = channel::cut(reason, LONGEST);
    session.control.execute("select pg_notify('bucardo_mcp_fullstop', $1)", &[&payload])?;
    Ok(())
}
