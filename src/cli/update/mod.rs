//! `update`: changes columns of what is in the control database, and who belongs to a herd or a
//! group. All in one transaction, and what a change makes necessary (looking at databases anew) is
//! done in it, so that a change that does not fit is refused and leaves nothing.

mod after;
mod code;
mod columns;
pub(super) mod find;
mod in_step;
mod members;
mod moved;
mod newer;
mod party;
mod renamed;

use crate::cli::noun::{self, Noun, WORDS};
use crate::cli::table::Topic;
use crate::cli::{Session, help, near, refusal};
use crate::error::Result;

/// Usage texts.
pub const TOPICS: &[Topic] = &[
    help::only(
        "Usage: update <type> <name> col1=val [col2=val2 col3=val3 ...]

  update db|dbgroup|sync|table|sequence|customcode <name> <column=value ...>
  update sync <name> add|remove table|sequence <name ...>
  update dbgroup <name> add|remove <database ...>

  update sync orders checktime='5 minutes'

A name may have a * for several at once. `list <type> <name> --verbose --verbose` shows the columns. A running daemon is told of
a new status or name of a sync or database, and learns of all else by `reload <sync>`.",
    )
    .or_newer(
        "Usage: update <type> <name> col1=val [col2=val2 col3=val3 ...]

  update db|sync|table|sequence|customcode <name> <column=value ...>
  update dbgroup <name> <database:role ...>
  update sync <name> add|remove table|sequence <name ...>

  update sync orders autokick=0

A name may have a * or % for several at once. `list <type> <name> --vv` shows the columns. A running daemon is told of a
new status or name of a sync or database, and learns of all else by `reload <sync>`.",
    ),
    help::about(
        &["sync", "syncs"],
        "Usage: update sync <name> col1=val [col2=val2 col3=val3 ...]
       update sync <name> add|remove table|sequence <name ...>

  update sync orders checktime='5 minutes' status=active
  update sync orders targetgroup=branches
  update sync orders add table public.lines",
    )
    .or_newer(
        "Usage: update sync <name> col1=val [col2=val2 col3=val3 ...]
       update sync <name> add|remove table|sequence <name ...>

  update sync orders autokick=0 checktime='5 minutes'
  update sync orders inactive
  update sync orders dbs=shop:source,warehouse:target
  update sync orders add table public.lines",
    ),
    help::about(
        &["db", "dbs", "database", "databases"],
        "Usage: update db <name> col1=val [col2=val2 col3=val3 ...]

  update db shop dbhost=db2 dbport=5433
  update db shop dbhost=none         back to the local socket",
    )
    .or_newer(
        "Usage: update db <name> col1=val [col2=val2 col3=val3 ...]

  update db shop host=db2 port=5433
  update db shop group=branches:source",
    ),
    help::about(
        &["dbgroup", "dbgroups", "dbg"],
        "Usage: update dbgroup <name> col1=val
       update dbgroup <name> add|remove <database ...>

  update dbgroup branches add berlin
  update dbgroup branches name=shops",
    )
    .or_newer(
        "Usage: update dbgroup <name> <database:role ...>
       update dbgroup <name> add|remove <database ...>

  update dbgroup branches shop:source berlin:target     just these, and no others
  update dbgroup branches name=shops",
    ),
    help::about(
        &["table", "tables", "sequence", "sequences"],
        "Usage: update table <name> col1=val [col2=val2 col3=val3 ...]

  update table public.lines standard_conflict=latest
  update table 'public.*' ping=off",
    )
    .or_newer(
        "Usage: update table <name> col1=val [col2=val2 col3=val3 ...] [db=x]

  update table public.lines autokick=0
  update table public.% db=shop rebuild_index=1",
    ),
    help::about(
        &["code", "customcode"],
        "Usage: update customcode <name> col1=val [col2=val2 col3=val3 ...]

  update customcode audit src_code=audit.pl      the contents of that file",
    )
    .or_newer(
        "Usage: update customcode <name> col1=val [col2=val2 col3=val3 ...]

  update customcode audit src_code=audit.pl      the contents of that file
  update customcode audit status=inactive",
    ),
];

/// `update TYPE NAME ...`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let [kind, name, words @ ..] = nouns else { return Ok(help::usage(session.personality, "update", &[])) };
    if words.is_empty() {
        return Ok(help::usage(session.personality, "update", &[kind]));
    }
    let newer = if session.dialect().newer { noun::newer(kind) } else { None };
    let hint = near::ahead(near::question(kind, WORDS), "see `help update`");
    let noun = newer
        .or_else(|| noun::changeable(kind))
        .ok_or_else(|| refusal::refused("Invalid item: must be code, db, dbgroup, sequence, sync, or table.", hint))?;
    let verb = words[0].to_lowercase();
    match (noun, verb.as_str()) {
        (Noun::Sync, "add" | "remove") => members::of_sync(session, name, &verb, &words[1..]),
        (Noun::Dbgroup, "add" | "remove") => members::of_group(session, name, &verb, &words[1..]),
        _ if session.dialect().newer => newer::run(session, noun, name, words),
        _ => columns::change(session, noun, name, words),
    }
}
