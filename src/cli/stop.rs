//! `stop`: asks the daemon to stop, and does not wait (reference, 3.3).

use crate::cli::answer::notify_with;
use crate::cli::session::Files;
use crate::cli::{Invocation, Personality, Session, help, reason, stopfile, table::Topic};
use crate::control::channel;
use crate::error::Result;
use crate::{say, say_part, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: stop [reason]

  stop
  stop for new disks",
)];

/// The longest reason that fits into a NOTIFY.
const LONGEST: usize = 7000;

/// `stop [REASON]`. Who names a directory of pid files means the daemon there, and needs no database for that.
pub fn command(invocation: &Invocation) -> Result<u8> {
    let nouns = &invocation.nouns;
    match (Session::open(invocation), invocation.piddir()) {
        (Ok(mut session), None) => stop(&mut session, "stop", nouns)?,
        (Ok(session), Some(_)) => Place::of(&session).stop("stop", nouns, || Ok(()))?,
        (Err(error), None) => return Err(error),
        (Err(_), Some(piddir)) => {
            let (prog, quiet) = (&invocation.prog, invocation.options.quiet);
            let place = Place { files: Files::usual(piddir), personality: invocation.personality, prog: prog.clone(), quiet };
            place.stop("stop", nouns, || Ok(()))?;
        }
    }
    Ok(0)
}

/// Stops. `verb` is what the history of reasons shows.
pub fn stop(session: &mut Session, verb: &str, nouns: &[String]) -> Result<()> {
    Place::of(session).stop(verb, nouns, || call(session, &reason::text(nouns)))
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

    /// Writes the reason and the stop file, and then does `call`. That the reason cannot be written down prevents no `stop`: the directory from
    /// which that is called may be anybody's. A restart would fail at the same point, with the daemon stopped.
    fn stop(&self, verb: &str, nouns: &[String], call: impl FnOnce() -> Result<()>) -> Result<()> {
        let path = stopfile::path(&self.files);
        let possible = stopfile::check(&path);
        if possible.is_ok() {
            match reason::record_for(&self.files, self.personality, verb, nouns) {
                Err(error) if verb == "stop" => warn_user!("Note: {error}; the reason is not written down"),
                recorded => recorded?,
            }
        }
        if !self.quiet {
            say_part!("Creating {} ... ", path.display());
        }
        possible.and_then(|()| stopfile::create(&path, &self.prog))?;
        call()?;
        if !self.quiet {
            say!("Done");
        }
        Ok(())
    }
}

/// Tells the daemon at once; also one that cannot see our piddir.
pub fn call(session: &mut Session, reason: &str) -> Result<()> {
    let payload = channel::cut(reason, LONGEST);
    notify_with(&mut session.control, "bucardo_mcp_fullstop", payload)
}
