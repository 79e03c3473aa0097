//! `status`: stub, written on branch `ops`.

pub mod detail;
pub mod sync;
pub mod table;

use crate::cli::{Session, help, table::Topic};
use crate::error::{Error, Kind, Result};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only("Usage: status [sync1 sync2 ...]")];

/// `status`.
pub fn run(_session: &mut Session, _nouns: &[String]) -> Result<u8> {
    Err(Error::new(Kind::Bug, "status is not written yet"))
}
