//! `add herd`: a name for tables and sequences of one database that are replicated together.

use super::used;
use crate::cli::relation::{self, Goat};
use crate::cli::{Session, refusal};
use crate::error::{Error, Result};
use crate::pg::Connection;

pub(super) const USAGE: &str = "Usage: add herd <name> [table1 table2 ...]

  Tables and sequences must have been added; give schema.table, a table (all of that name), or an id.

  add herd sales public.orders public.lines";

pub(super) fn run(session: &mut Session, name: &str, words: &[String]) -> Result<u8> {
    let (lines, grown) = session.transaction(|session| fill(&mut session.control, name, words))?;
    super::report(session, &lines);
    if grown {
        used::herd(&mut session.control, name)?;
    }
    Ok(0)
}

/// Makes and fills the herd: what to print, and whether anything joined it.
fn fill(control: &mut Connection, name: &str, words: &[String]) -> Result<(Vec<String>, bool)> {
    let made = ensure(control, name)?;
    let mut lines = if made { vec![format!("Added herd \"{name}\"")] } else { Vec::new() };
    let mut grown = false;
    for goat in goats(control, words)? {
        let joined = join(control, name, &goat)?;
        lines.push(line(&goat, name, joined));
        grown |= joined;
    }
    Ok((lines, grown))
}

fn line(goat: &Goat, herd: &str, joined: bool) -> String {
    let what = if joined { "has been added to" } else { "is already in" };
    format!("{} \"{}\" {what} the herd \"{herd}\"", goat.title(), goat.relation.label())
}

fn goats(control: &mut Connection, words: &[String]) -> Result<Vec<Goat>> {
    let mut all: Vec<Goat> = Vec::new();
    for word in words {
        let found = relation::find(control, word, None)?;
        if found.is_empty() {
            return Err(unknown(word));
        }
        all.extend(found.into_iter().filter(|goat| !all.iter().any(|other| other.id == goat.id)).collect::<Vec<_>>());
    }
    Ok(all)
}

fn unknown(word: &str) -> Error {
    let hint = format!("`list table` and `list sequence` show what there is; `add table {word}` adds a table");
    refusal::missing(format!("Could not find a table or sequence named \"{word}\""), hint)
}

/// Makes the herd if it is missing; whether it was.
pub(in crate::cli) fn ensure(control: &mut Connection, name: &str) -> Result<bool> {
    let sql = "insert into bucardo.herd (name) values ($1) on conflict (name) do nothing";
    let made = control.execute(sql, &[&name]).map_err(Error::from);
    made.map(|rows| rows > 0).map_err(|error| error.context(format!("Failed to add herd \"{name}\"")))
}

/// Puts a goat into a herd; whether it was not yet there.
pub(in crate::cli) fn join(control: &mut Connection, herd: &str, goat: &Goat) -> Result<bool> {
    let sql = "insert into bucardo.herdmap (herd, goat) values ($1, $2) on conflict (herd, goat) do nothing";
    let joined = control.execute(sql, &[&herd, &goat.id]).map(|rows| rows > 0).map_err(Error::from);
    let failed = || format!("Failed to add {} \"{}\" to herd \"{herd}\"", goat.kind, goat.relation.label());
    joined.map_err(|error| error.context(failed()))
}
