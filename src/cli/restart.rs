//! `restart`: `stop` and `start`, one after the other (reference, 3.3). The reason is recorded by
//! both.

use crate::cli::{Session, help, start, stop, table::Topic};
use crate::control::presence;
use crate::error::Result;

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: restart [reason]

  restart
  restart to read the new program",
)];

/// `restart [REASON]`. What would prevent the start is noticed before anything is stopped.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let plan = start::plan(session)?;
    presence::expect(&mut session.control, start::EXPECTED)?;
    let restarted = stop::stop(session, "restart", nouns).and_then(|()| start::start(session, plan, "restart", nouns));
    restarted.inspect_err(|_| drop(presence::expect(&mut session.control, 0)))?;
    Ok(0)
}
