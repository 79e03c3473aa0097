//! `restart`: `stop` and `start`, one after the other (reference, 3.3). The reason is recorded by both.

use crate::cli::{Session, help, start, stop, table::Topic};
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
    stop::stop(session, "restart", nouns)?;
    start::start(session, plan, "restart", nouns)?;
    Ok(0)
}
