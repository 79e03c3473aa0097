//! `add table TERM ...` and `add sequence TERM ...`.

use super::terms;
use crate::cli::add::table::{KEYS, in_sync};
use crate::cli::add::{herd, kinds, used};
use crate::cli::noun::Noun;
use crate::cli::{Session, help, pairs};
use crate::error::Result;
use crate::say;

pub const USAGE_TABLE: &str = "Usage: add table <name> [name2 name3 ...]

  A name is table or schema.table; * and % stand for any characters.

  relgroup=x puts them into this relgroup; without db=x they are looked for in the first source.

{keys}

  add table orders public.lines db=shop relgroup=sales
  add table public.%";

pub const USAGE_SEQUENCE: &str = "Usage: add sequence <name> [name2 name3 ...]

  db=x                 the database to look in; the first source unless given
  relgroup=x           put them into this relgroup

  add sequence public.lines_id_seq relgroup=sales";

pub const USAGE_ALL: &str = "Usage: add all tables|sequences [db=x] [relgroup=x] [pkonly]

  -n, -N, -t, -T take schemas and tables, or leave them out.

  add all tables db=shop relgroup=sales
  add all sequences db=shop -n public";

/// The exit code is 0 even if nothing matched.
pub fn run(session: &mut Session, noun: Noun, words: &[String]) -> Result<u8> {
    let (kind, usage) = match noun {
        Noun::Sequence => ("sequence", USAGE_SEQUENCE),
        _ => ("table", USAGE_TABLE),
    };
    let pairs = pairs::read_newer(words, KEYS, usage)?;
    if pairs.rest.is_empty() {
        return Ok(help::usage(session.personality, "add", &[kind]));
    }
    let pairs = in_sync(&mut session.control, pairs)?;
    let named = pairs.get("db").or(session.options.db.as_deref()).map(str::to_owned);
    let group = pairs.get("herd").or(session.options.herd.as_deref()).map(str::to_owned);
    let (lines, new) = session.transaction(|session| {
        let control = &mut session.control;
        let db = terms::database(control, named.as_deref())?;
        let found = terms::resolve(control, &db, &[kind], &pairs.rest, &pairs)?;
        let mut lines = terms::lines(&found, false);
        if let Some(group) = group.as_deref().filter(|_| !found.all.is_empty()) {
            if herd::ensure(control, group)? {
                lines.push(format!("Created the relgroup named \"{group}\""));
            }
            lines.extend(terms::gather(control, group, &found)?);
        }
        Ok((lines, found.added.iter().map(|goat| goat.id).collect::<Vec<_>>()))
    })?;
    lines.iter().for_each(|line| say!("{line}"));
    kinds::warn_of_no_key(&mut session.control, &new)?;
    group.map_or(Ok(()), |group| used::herd(&mut session.control, &group))?;
    Ok(0)
}
