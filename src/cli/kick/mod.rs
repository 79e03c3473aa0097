//! `kick`: stub, written on branch `ops`.

pub mod display;
pub mod verdict;

use crate::cli::{Session, help, table::Topic};
use crate::error::{Error, Kind, Result};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only("Usage: kick <name> [# of seconds] [name2 name3...] [--notimer]")];

/// `kick`.
pub fn run(_session: &mut Session, _nouns: &[String]) -> Result<u8> {
    Err(Error::new(Kind::Bug, "kick is not written yet"))
}
