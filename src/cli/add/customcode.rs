//! `add customcode`: code of the user, from a file, and the sync or the relation it runs for
//! (reference, 3.11.6).

use crate::cli::insert::Insert;
use crate::cli::pairs::{self, Key, Pairs, Value};
use crate::cli::{Session, help, refusal, relation};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::warn_user;

pub(super) const USAGE: &str = "Usage: add customcode <name> <whenrun=value> <src_code=filename> [optional information]

  whenrun=x      before_txn, before_check_rows, before_trigger_drop, after_trigger_drop, after_table_sync, exception, conflict,
                 before_trigger_enable, after_trigger_enable, after_txn, before_sync or after_sync
  src_code=x     a file with the code
  about=x        what it is for
  getdbh=x  getrows=x  trigrules=x
  sync=x         run it for this sync
  goat=x         run it for this table or sequence
  active=x  priority=x         of that: whether, and in which order; small numbers first

  add customcode audit whenrun=after_txn src_code=audit.pl sync=orders";

pub(super) const KEYS: &[Key] = &[
    Key::new("whenrun", &["whenrun", "when_run"], Value::OneOf(WHENRUN)),
    Key::new("src_code", &["src_code"], Value::Text),
    Key::new("about", &["about"], Value::Text),
    Key::new("name", &["name"], Value::Text),
    Key::new("getdbh", &["getdbh"], Value::Bool),
    Key::new("getrows", &["getrows"], Value::Bool),
    Key::new("trigrules", &["trigrules"], Value::Bool),
    Key::new("sync", &["sync"], Value::Text),
    Key::new("goat", &["goat", "table", "relation"], Value::Text),
    Key::new("active", &["active"], Value::Bool),
    Key::new("status", &["status"], Value::OneOf(&["active", "inactive"])),
    Key::new("priority", &["priority"], Value::Number),
];

const WHENRUN: &[&str] = &[
    "before_txn",
    "before_check_rows",
    "before_trigger_drop",
    "after_trigger_drop",
    "after_table_sync",
    "exception",
    "conflict",
    "before_trigger_enable",
    "after_trigger_enable",
    "after_txn",
    "before_sync",
    "after_sync",
];

/// Keys of the mapping, not of the code.
const OF_THE_MAP: &[&str] = &["name", "src_code", "sync", "goat", "active", "status", "priority"];

pub(super) fn run(session: &mut Session, word: &str, words: &[String]) -> Result<u8> {
    let pairs = pairs::read(words, KEYS, USAGE)?;
    let name = pairs.get("name").unwrap_or(word).to_owned();
    if session.control.query_opt("select from bucardo.customcode where name = $1", &[&name])?.is_some() {
        let sentence = format!("Cannot create: customcode \"{name}\" already exists");
        return Err(refusal::refused(sentence, "`list customcode` shows what there is").exit_code(2));
    }
    let (Some(_), Some(file)) = (pairs.get("whenrun"), pairs.get("src_code")) else {
        return Ok(help::usage(session.personality, "add", &["customcode"]));
    };
    let code = read(file)?;
    session.transaction(|session| add(&mut session.control, &name, &code, &pairs))?;
    super::report(session, &[format!("Added customcode \"{name}\"")]);
    warn_user!("Note: this version keeps custom code, but does not run it yet");
    Ok(0)
}

fn read(file: &str) -> Result<String> {
    std::fs::read_to_string(file).map_err(|error| {
        let hint = format!("give the name of a readable file with src_code= ({error})");
        refusal::missing(format!("Could not find a file named \"{file}\""), hint).exit_code(2)
    })
}

fn add(control: &mut Connection, name: &str, code: &str, pairs: &Pairs) -> Result<()> {
    let row = Insert::into("customcode").text("name", name).text("src_code", code).pairs(pairs, OF_THE_MAP);
    let id = row.run(control, "id").map_err(|error| error.context("Failed to add customcode"))?;
    map(control, &id, pairs)
}

fn map(control: &mut Connection, id: &str, pairs: &Pairs) -> Result<()> {
    let (sync, goat) = match (pairs.get("sync"), pairs.get("goat")) {
        (Some(_), Some(_)) => return Err(refuse("Sorry, you must specify a sync OR a goat, not both")),
        (None, None) if pairs.get("priority").or(pairs.get("active")).is_some() => {
            return Err(refuse("You must specify a sync or a goat when using priority or active"));
        }
        (None, None) => return Ok(()),
        (Some(sync), None) => (Some(known_sync(control, sync)?), None),
        (None, Some(goat)) => (None, Some(known_goat(control, goat)?)),
    };
    let active = pairs.get("active") != Some("0") && pairs.get("status") != Some("inactive");
    let priority = pairs.get("priority").unwrap_or("0");
    let sql = "insert into bucardo.customcode_map (code, sync, goat, active, priority) values ($1::text::int, $2, $3, $4, $5::text::smallint)";
    let mapped = control.execute(sql, &[&id, &sync, &goat, &active, &priority]).map_err(Error::from);
    mapped.map(drop).map_err(|error| error.context("Failed to add customcode_map"))
}

fn refuse(sentence: &str) -> Error {
    refusal::refused(sentence, "see `help add customcode`")
}

fn known_sync(control: &mut Connection, name: &str) -> Result<String> {
    match control.query_opt("select name from bucardo.sync where name = $1", &[&name])? {
        Some(row) => Ok(row.get(0)),
        None => Err(refusal::missing(format!("Unknown sync: {name}"), "`list sync` shows the syncs there are")),
    }
}

fn known_goat(control: &mut Connection, name: &str) -> Result<i32> {
    let found = relation::find(control, name, None)?;
    match found.as_slice() {
        [only] => Ok(only.id),
        [] => Err(refusal::missing(format!("Unknown goat: {name}"), "`list table` shows what there is")),
        _ => Err(Error::new(Kind::Refused, format!("More than one table is called {name}"))
            .hint(format!("give schema.table, or the id that `list table {name} --verbose --verbose` shows"))),
    }
}
