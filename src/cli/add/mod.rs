//! `add`: tells the control database about databases, groups, tables, sequences, herds and syncs. One file per form. Each works in one
//! transaction: a command that fails has changed nothing, and what is printed has happened.

mod all;
mod custom;
mod customcode;
pub(super) mod db;
pub(super) mod dbgroup;
pub(super) mod goat;
pub(super) mod herd;
pub(super) mod newer;
pub(super) mod remote;
pub(super) mod sync;
pub(super) mod sync_members;
pub(super) mod table;
pub(super) mod used;

use crate::cli::noun::{self, Noun};
use crate::cli::table::Topic;
use crate::cli::{Session, help};
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
  add customname <table> <new name> [db=x] [sync=x]
  add customcols <table> \"SELECT ...\" [db=x] [sync=x]
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
    Topic { words: &["customname", "cname", "custom_name"], text: custom::USAGE_NAME },
    Topic { words: &["customcols", "ccols", "ccol", "custom_cols"], text: custom::USAGE_COLS },
];

/// `add TYPE NAME ...`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let newer = session.dialect().newer;
    let Some((kind, words)) = nouns.split_first() else { return Ok(help::usage(session.personality, "add", &[])) };
    if kind.eq_ignore_ascii_case("all") {
        return all::run(session, words);
    }
    let noun = if newer { noun::newer(kind) } else { noun::exact(kind) };
    let (Some(noun), Some((name, rest))) = (noun, words.split_first()) else {
        return Ok(help::usage(session.personality, "add", &[kind]));
    };
    if newer && matches!(noun, Noun::Table | Noun::Sequence) && name.eq_ignore_ascii_case("all") {
        return all::run(session, &[std::slice::from_ref(kind), rest].concat());
    }
    match noun {
        Noun::Db if newer => newer::db::run(session, name, rest),
        Noun::Dbgroup if newer => newer::dbgroup::run(session, name, rest),
        Noun::Herd if newer => newer::herd::run(session, name, rest),
        Noun::Table | Noun::Sequence if newer => newer::table::run(session, noun, words),
        Noun::Sync if newer => newer::sync::run(session, name, rest),
        Noun::Db => db::run(session, name, rest),
        Noun::Dbgroup => dbgroup::run(session, name, rest),
        Noun::Herd => herd::run(session, name, rest),
        Noun::Table | Noun::Sequence => table::run(session, noun, words),
        Noun::Sync => sync::run(session, name, rest),
        Noun::Customcode => customcode::run(session, name, rest),
        Noun::Customname | Noun::Customcols => custom::run(session, noun, name, rest),
        // No word of `add` means one.
        Noun::Conflict => Ok(help::usage(session.personality, "add", &[])),
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
