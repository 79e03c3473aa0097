//! `add sync`: which herd goes where, and how. After the row is in, the databases are looked at and made ready, as the original's
//! trigger did: what does not fit is refused and leaves nothing behind; a server that is down is left to the daemon.

use super::sync_members::{self, Members};
use crate::cli::insert::Insert;
use crate::cli::pairs::{self, Key, Pairs, Value};
use crate::cli::{Session, conflict, near, refusal};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::replicate::sync::validate;
use crate::warn_user;

pub(super) const USAGE: &str = "Usage: add sync <name> type=x source=x targetdb=x or targetgroup=x [options]

  type=x         pushdelta, fullcopy or swap
  source=x       a herd; with tables=, the database they are in
  tables=x,y     make the herd from these tables
  targetdb=x  targetgroup=x    where to
  dbs=a:source,b:target        the same in one word; several sources are masters of one another
  conflict_strategy=x          who wins when several have changed a row: latest, source, target, skip, random, abort,
                 or names of databases in the order in which they win
  status=x       active or inactive
  ping=x         whether changes start the sync at once
  checktime=x    start it at least this often
  overdue=x  expired=x         for how long status may find it late
  capture=x      always: also what is written on the sources while triggers are off, as by logical replication
  limitdbs=x     targets at work at the same time, at most
  stayalive=x  kidsalive=x  onetimecopy=x  priority=x  lifetime=x  maxkicks=x  analyze_after_copy=x  strict_checking=x

  add sync orders type=pushdelta source=sales targetdb=warehouse
  add sync stock type=pushdelta source=shop tables=items,prices targetgroup=branches checktime=5min";

pub(super) const KEYS: &[Key] = &[
    Key { column: "name", names: &["name"], takes: Value::Text },
    Key {
        column: "synctype",
        names: &["type", "synctype"],
        takes: Value::Named(&[("pushdelta", "delta"), ("fullcopy", "copy"), ("swap", "swap")]),
    },
    Key { column: "source", names: &["source", "herd", "relgroup"], takes: Value::Text },
    Key { column: "targetdb", names: &["targetdb"], takes: Value::Text },
    Key { column: "targetgroup", names: &["targetgroup", "group", "dbgroup"], takes: Value::Text },
    Key { column: "tables", names: &["tables", "table", "relations", "relation"], takes: Value::Text },
    Key { column: "dbs", names: &["dbs", "db", "databases", "database"], takes: Value::Text },
    Key { column: "status", names: &["status"], takes: Value::OneOf(&["active", "inactive"]) },
    Key { column: "ping", names: &["ping", "autokick"], takes: Value::Bool },
    Key { column: "do_listen", names: &["do_listen"], takes: Value::Bool },
    Key { column: "makedelta", names: &["makedelta", "target_makedelta"], takes: Value::Bool },
    Key { column: "capture", names: &["capture"], takes: Value::OneOf(&["ordinary", "always"]) },
    Key { column: "stayalive", names: &["stayalive"], takes: Value::Bool },
    Key { column: "kidsalive", names: &["kidsalive"], takes: Value::Bool },
    Key { column: "analyze_after_copy", names: &["analyze_after_copy"], takes: Value::Bool },
    Key { column: "strict_checking", names: &["strict_checking"], takes: Value::Bool },
    Key { column: "track_rates", names: &["track_rates"], takes: Value::Bool },
    Key { column: "usecustomselect", names: &["customselect", "usecustomselect"], takes: Value::Bool },
    Key { column: "checktime", names: &["checktime"], takes: Value::Interval },
    Key { column: "overdue", names: &["overdue"], takes: Value::Interval },
    Key { column: "expired", names: &["expired"], takes: Value::Interval },
    Key { column: "lifetime", names: &["lifetime"], takes: Value::Interval },
    Key { column: "limitdbs", names: &["limitdbs"], takes: Value::Number },
    Key { column: "priority", names: &["priority"], takes: Value::Number },
    Key { column: "maxkicks", names: &["maxkicks"], takes: Value::Number },
    Key { column: "rebuild_index", names: &["rebuild_index", "rebuildindex"], takes: Value::Number },
    Key { column: "txnmode", names: &["isolation_level", "txnmode"], takes: Value::OneOf(&["repeatable read", "serializable"]) },
    Key { column: "conflict_strategy", names: &["conflict_strategy", "conflict", "standard_conflict"], takes: Value::Text },
    Key { column: "onetimecopy", names: &["onetimecopy"], takes: Value::NumberOf(&["0", "1", "2"]) },
];

/// Keys that are no columns, or whose columns [`Members`] sets.
const NOT_COLUMNS: &[&str] = &["name", "synctype", "source", "targetdb", "targetgroup", "tables", "dbs", "conflict_strategy"];

pub(super) fn run(session: &mut Session, word: &str, words: &[String]) -> Result<u8> {
    let pairs = pairs::read(words, KEYS, USAGE)?;
    let name = pairs.get("name").unwrap_or(word).to_owned();
    let members = Members::of(&pairs)?;
    let (lines, notes) = session.transaction(|session| {
        refuse_taken(&mut session.control, &name)?;
        let (herd, mut lines) = sync_members::herd(&mut session.control, &name, &members, &pairs)?;
        lines.extend(insert(&mut session.control, &name, &herd, &members, &pairs)?);
        lines.push(format!("Added sync \"{name}\""));
        Ok((lines, make_ready(session, &name)?))
    })?;
    super::report(session, &lines);
    crate::cli::validate::tell(session, &notes);
    Ok(0)
}

fn refuse_taken(control: &mut Connection, name: &str) -> Result<()> {
    if control.query_opt("select from bucardo.sync where name = $1", &[&name])?.is_none() {
        return Ok(());
    }
    Err(refusal::refused(
        format!("A sync with the name \"{name}\" already exists"),
        "choose another name; `list sync` shows them all",
    ))
}

/// Inserts the row, and the group that several targets need.
fn insert(control: &mut Connection, name: &str, herd: &str, members: &Members, pairs: &Pairs) -> Result<Vec<String>> {
    let (column, target, lines) = sync_members::target(control, name, herd, members)?;
    let row = Insert::into("sync").text("name", name).text("source", herd).text("synctype", members.synctype);
    let row = row.text(column, &target).pairs(pairs, NOT_COLUMNS);
    let row = match strategy(control, members.synctype, pairs)? {
        Some(strategy) => row.text("conflict_strategy", &strategy),
        None => row,
    };
    // Once the rule has refused it, the transaction answers nothing any more.
    let guess = guess(control, column, &target)?;
    row.run(control, "name").map(|_| lines).map_err(|error| match guess {
        Some(guess) => failed(error.hint(guess)),
        None => failed(error),
    })
}

/// What may have been meant by a target that does not exist.
fn guess(control: &mut Connection, column: &str, target: &str) -> Result<Option<String>> {
    let (table, there_is) = match column {
        "targetdb" => ("db", "`list db` shows the databases; `add db` adds one"),
        _ => ("dbgroup", "`list dbgroup` shows the groups; `add dbgroup` adds one"),
    };
    let known = sync_members::exists(control, table, target)?;
    Ok((!known).then(|| near::among(control, table, target, there_is)))
}

/// What decides between masters. Who names several in one word and leaves that open gets what the newer program does.
fn strategy(control: &mut Connection, synctype: &str, pairs: &Pairs) -> Result<Option<String>> {
    match pairs.get("conflict_strategy") {
        Some(text) => conflict::strategy(control, text).map(Some),
        None if synctype == "swap" && pairs.get("dbs").is_some() => Ok(Some(conflict::LATEST.to_owned())),
        None => Ok(None),
    }
}

fn failed(error: Error) -> Error {
    error.context("Failed to add sync")
}

/// Validates the new sync. One that cannot be validated today, because a server is down or because it is not complete yet, stays.
pub(in crate::cli) fn make_ready(session: &mut Session, name: &str) -> Result<Vec<String>> {
    if session.rehearses() {
        return Ok(Vec::new());
    }
    session.confirm()?;
    if let Some(lack) = incomplete(&mut session.control, name)? {
        warn_user!("Note: sync \"{name}\" {lack}; it must be validated before it can run");
        return Ok(Vec::new());
    }
    match validate::sync(&mut session.control, name) {
        Err(error) if matches!(error.kind(), Kind::Connect | Kind::Crowded | Kind::Lost) => {
            // Asked for again, because the attempt has recorded an outcome.
            session.control.execute("select bucardo.request_validation($1)", &[&name])?;
            warn_user!("Note: {error}; the daemon will validate sync \"{name}\" when it can");
            Ok(Vec::new())
        }
        outcome => outcome.map_err(failed),
    }
}

/// What a sync lacks that the original did not mind at this point (daemon reference, 1.6).
fn incomplete(control: &mut Connection, name: &str) -> Result<Option<&'static str>> {
    let row = control.query_one(include_str!("incomplete.sql"), &[&name])?;
    Ok(match (row.get::<_, bool>(0), row.get::<_, bool>(1)) {
        (false, _) => Some("has an empty herd"),
        (_, false) => Some("has no active target database"),
        _ => None,
    })
}
