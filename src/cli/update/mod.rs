//! `update`: changes columns of what is in the control database, and who belongs to a herd or a group. All in one transaction, and what a
//! change makes necessary (looking at databases anew) is done in it, so that a change that does not fit is refused and leaves nothing.

mod after;
mod columns;
mod find;
mod members;
mod newer;
mod party;

use crate::cli::noun::{self, Noun};
use crate::cli::table::Topic;
use crate::cli::{Session, help, refusal};
use crate::error::Result;

/// Usage texts.
pub const TOPICS: &[Topic] = &[
    help::only(
        "Usage: update <type> <name> col1=val [col2=val2 col3=val3 ...]

  update db|dbgroup|sync|table|sequence|customcode <name> <column=value ...>
  update sync <name> add|remove table|sequence <name ...>
  update dbgroup <name> add|remove <database ...>

A name may have a * for several at once. `list <type> <name> --verbose --verbose` shows the columns. A running daemon learns of
a changed sync by `reload <sync>`.",
    ),
    Topic {
        words: &["sync", "syncs"],
        text: "Usage: update sync <name> col1=val [col2=val2 col3=val3 ...]
       update sync <name> add|remove table|sequence <name ...>

  update sync orders checktime='5 minutes' status=active
  update sync orders targetgroup=branches
  update sync orders add table public.lines",
    },
    Topic {
        words: &["db", "dbs", "database", "databases"],
        text: "Usage: update db <name> col1=val [col2=val2 col3=val3 ...]

  update db shop dbhost=db2 dbport=5433
  update db shop dbhost=none         back to the local socket",
    },
    Topic {
        words: &["dbgroup", "dbgroups", "dbg"],
        text: "Usage: update dbgroup <name> col1=val
       update dbgroup <name> add|remove <database ...>",
    },
    Topic {
        words: &["table", "tables", "sequence", "sequences"],
        text: "Usage: update table <name> col1=val [col2=val2 col3=val3 ...]

  update table public.lines standard_conflict=latest
  update table 'public.*' ping=off",
    },
    Topic {
        words: &["code", "customcode"],
        text: "Usage: update customcode <name> col1=val [col2=val2 col3=val3 ...]

  update customcode audit src_code=audit.pl      the contents of that file",
    },
];

/// `update TYPE NAME ...`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let [kind, name, words @ ..] = nouns else { return Ok(help::usage(session.personality, "update", &[])) };
    if words.is_empty() {
        return Ok(help::usage(session.personality, "update", &[kind]));
    }
    let newer = if session.dialect().newer { noun::newer(kind) } else { None };
    let noun = newer.or_else(|| noun::changeable(kind)).ok_or_else(|| {
        refusal::refused("Invalid item: must be code, db, dbgroup, sequence, sync, or table.", "see `help update`")
    })?;
    let verb = words[0].to_lowercase();
    match (noun, verb.as_str()) {
        (Noun::Sync, "add" | "remove") => members::of_sync(session, name, &verb, &words[1..]),
        (Noun::Dbgroup, "add" | "remove") => members::of_group(session, name, &verb, &words[1..]),
        _ if session.dialect().newer => newer::run(session, noun, name, words),
        _ => columns::change(session, noun, name, words),
    }
}
