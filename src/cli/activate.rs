//! `activate`: stub, written on branch `ops`.

use crate::cli::{Session, help, table::Topic};
use crate::error::{Error, Kind, Result};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only("Usage: activate <sync> [sync2 sync3 ...] [0]")];

/// `activate`.
pub fn run(_session: &mut Session, _nouns: &[String]) -> Result<u8> {
    Err(Error::new(Kind::Bug, "activate is not written yet"))
}

/// `deactivate`.
pub fn run_deactivate(_session: &mut Session, _nouns: &[String]) -> Result<u8> {
    Err(Error::new(Kind::Bug, "deactivate is not written yet"))
}
