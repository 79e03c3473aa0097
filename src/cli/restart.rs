//! `restart`: stub, written on branch `ops`.

use crate::cli::{Session, help, table::Topic};
use crate::error::{Error, Kind, Result};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only("Usage: restart [reason]")];

/// `restart`.
pub fn run(_session: &mut Session, _nouns: &[String]) -> Result<u8> {
    Err(Error::new(Kind::Bug, "restart is not written yet"))
}
