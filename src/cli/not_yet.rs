//! Verbs whose turn has not come: they refuse, instead of exiting with success as an unknown word does.

use crate::cli::{Session, table::Topic};
use crate::error::{Error, Kind, Result};

pub const TOPICS: &[Topic] = &[];

pub fn run(_session: &mut Session, _nouns: &[String]) -> Result<u8> {
    Err(Error::new(Kind::Refused, "This version does not have that command yet").hint("`help` lists the commands it has"))
}
