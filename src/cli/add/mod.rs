//! `add`: tells the control database about databases, groups, tables, sequences, herds and syncs. One file per form. Each works in one
//! transaction: a command that fails has changed nothing, and what is printed has happened.

mod all;
mod customcode;
mod db;
pub(super) mod dbgroup;
pub(super) mod goat;
pub(super) mod herd;
pub(super) mod remote;
pub(super) mod sync;
mod sync_members;
mod table;
pub(super) mod used;

use crate::cli::noun::{self, Noun};
use crate::cli::table::Topic;
use crate::cli::{Personality, Session, help};
use crate::error::Result;
use crate::say;

const USAGE: &str = "Usage: add <type> <name> [options]

  add db <name> [key=value ...]
  add dbgroup <name> [database ...]
  add table <name ...> [key=value ...]
  add sequence <name ...> [key=value ...]
  add all tables|sequences [db=x] [herd=x]
  add herd <name> [table or sequence ...]
  add customcode <name> whenrun=x src_code=x [key=value ...]
  add sync <name> type=x source=x targetdb=x or targetgroup=x [key=value ...]

For details: help add <type>";

/// Usage texts.
pub const TOPICS: &[Topic] = &[
    help::only(USAGE),
    Topic { words: &["db", "database", "dbs", "databases"], text: db::USAGE },
    Topic { words: &["dbg", "dbgroup", "dbgroups"], text: dbgroup::USAGE },
    Topic { words: &["herd", "herds", "relgroup", "relgroups"], text: herd::USAGE },
    Topic { words: &["sync", "syncs"], text: sync::USAGE },
    Topic { words: &["table", "tables", "tab"], text: table::USAGE_TABLE },
    Topic { words: &["sequence", "sequences", "seq"], text: table::USAGE_SEQUENCE },
    Topic { words: &["customcode", "custom_code", "code"], text: customcode::USAGE },
];

/// `add TYPE NAME ...`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let Some((kind, words)) = nouns.split_first() else { return Ok(help::usage("add", &[])) };
    if kind.eq_ignore_ascii_case("all") {
        return all::run(session, words);
    }
    let (Some(noun), Some((name, rest))) = (noun::exact(kind), words.split_first()) else {
        return Ok(help::usage("add", &[kind]));
    };
    match noun {
        Noun::Db => db::run(session, name, rest),
        Noun::Dbgroup => dbgroup::run(session, name, rest),
        Noun::Herd => herd::run(session, name, rest),
        Noun::Table | Noun::Sequence if session.personality == Personality::Bucardo5 && name.eq_ignore_ascii_case("all") => {
            all::run(session, &[std::slice::from_ref(kind), rest].concat())
        }
        Noun::Table | Noun::Sequence => table::run(session, noun, words),
        Noun::Sync => sync::run(session, name, rest),
        Noun::Customcode => customcode::run(session, name, rest),
        // No word of `add` means one.
        Noun::Conflict => Ok(help::usage("add", &[])),
    }
}

/// Prints what was done, once it is committed.
fn report(session: &Session, lines: &[String]) {
    if !session.options.quiet {
        for line in lines {
            say!("{line}");
        }
    }
}
