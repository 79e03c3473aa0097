//! `add`: tells the control database about databases, groups, tables, sequences, herds and syncs.
//! One file per form. Each works in one transaction: a command that fails has changed nothing, and
//! what is printed has happened.

mod all;
pub(super) mod candidates;
mod custom;
mod customcode;
pub(super) mod db;
pub(super) mod dbgroup;
pub(super) mod goat;
pub(super) mod herd;
pub(super) mod kinds;
pub(super) mod newer;
pub(super) mod remote;
pub(super) mod sync;
pub(super) mod sync_members;
pub(super) mod table;
pub(in crate::cli) mod used;

use crate::cli::noun::{self, Noun};
use crate::cli::pairs::Key;
use crate::cli::table::Topic;
use crate::cli::{Session, help, near};
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

const NEWER_USAGE: &str = "Usage: add <type> <name> [options]

  add db <name> dbname=x [key=value ...]
  add dbgroup <name> [database:role ...]
  add table <name ...> [db=x] [relgroup=x]
  add sequence <name ...> [db=x] [relgroup=x]
  add all tables|sequences [db=x] [relgroup=x]
  add relgroup <name> [table or sequence ...]
  add customcode <name> whenrun=x src_code=x [key=value ...]
  add customname <table> <new name> [db=x] [sync=x]
  add customcols <table> \"SELECT ...\" [db=x] [sync=x]
  add sync <name> dbs=x:source,y:target relgroup=x|tables=x,y [key=value ...]

For details: help add <type>";

/// Usage texts.
pub const TOPICS: &[Topic] = &[
    help::only(USAGE).or_newer(NEWER_USAGE),
    help::about(&["db", "database", "dbs", "databases"], db::USAGE).or_newer(newer::db::USAGE).with(db::KEYS),
    help::about(&["dbg", "dbgroup", "dbgroups"], dbgroup::USAGE).or_newer(newer::dbgroup::USAGE),
    help::about(&["herd", "herds", "relgroup", "relgroups"], herd::USAGE).or_newer(newer::herd::USAGE),
    help::about(&["sync", "syncs"], sync::USAGE).or_newer(newer::sync::USAGE).with(sync::KEYS),
    help::about(&["table", "tables", "tab"], table::USAGE_TABLE).or_newer(newer::table::USAGE_TABLE).with(table::KEYS),
    help::about(&["sequence", "sequences", "seq"], table::USAGE_SEQUENCE).or_newer(newer::table::USAGE_SEQUENCE),
    help::about(&["all"], all::USAGE).or_newer(newer::table::USAGE_ALL),
    help::about(&["customcode", "custom_code", "code"], customcode::USAGE),
    help::about(&["customname", "cname", "custom_name"], custom::USAGE_NAME),
    help::about(&["customcols", "ccols", "ccol", "custom_cols"], custom::USAGE_COLS),
];

/// The keys that a form takes.
pub fn keys(noun: Noun) -> &'static [Key] {
    match noun {
        Noun::Db => db::KEYS,
        Noun::Table | Noun::Sequence => table::KEYS,
        Noun::Sync => sync::KEYS,
        Noun::Customcode => customcode::KEYS,
        Noun::Customname | Noun::Customcols => custom::KEYS,
        Noun::Dbgroup | Noun::Herd | Noun::Conflict => &[],
    }
}

/// `add TYPE NAME ...`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let newer = session.dialect().newer;
    let Some((kind, words)) = nouns.split_first() else { return Ok(help::usage(session.personality, "add", &[])) };
    if kind.eq_ignore_ascii_case("all") {
        return all::run(session, words);
    }
    let noun = if newer { noun::newer(kind) } else { noun::exact(kind) };
    let (Some(noun), Some((name, rest))) = (noun, words.split_first()) else {
        if noun.is_none() {
            near::type_meant(kind);
        }
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
