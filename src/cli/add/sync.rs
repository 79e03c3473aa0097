//! `add sync`: which herd goes where, and how. After the row is in, the databases are looked at and
//! made ready, as the original's trigger did: what does not fit is refused and leaves nothing
//! behind; a server that is down is left to the daemon.

use super::sync_members::{self, Members};
use crate::cli::insert::Insert;
use crate::cli::pairs::{self, Key, Pairs, Value};
use crate::cli::{Session, conflict, near, refusal};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::replicate::sync::validate;
use crate::warn_user;

pub(super) const USAGE: &str = "Usage: add sync <name> type=x source=x targetdb=x or targetgroup=x [options]

{keys}

Only with `update sync`: deletemethod=delete|truncate|truncate_cascade and copyextra=TEXT
(see `help copies`).

  add sync orders type=pushdelta source=sales targetdb=warehouse
  add sync stock type=pushdelta source=shop tables=items,prices targetgroup=branches checktime=5min";

/// In the order of the help: what goes where, when it runs, how rows are read and written.
pub(super) const KEYS: &[Key] = &[
    Key::new("name", &["name"], Value::Text).unstored().says("", "another name for the sync than the word after `add sync`"),
    Key::new("synctype", &["type", "synctype"], Value::Named(&[("pushdelta", "delta"), ("fullcopy", "copy"), ("swap", "swap")]))
        .unstored()
        .says(
            "",
            "pushdelta carries changes from a source to targets, swap changes among masters, fullcopy whole tables; with dbs=, \
             the roles tell it",
        ),
    Key::new("source", &["source", "herd", "relgroup"], Value::Text)
        .unstored()
        .says("", "the herd; with tables=, the database they are in"),
    Key::new("tables", &["tables", "table", "relations", "relation"], Value::Text)
        .unstored()
        .says("", "make the herd from these tables and sequences, separated by commas"),
    Key::new("targetdb", &["targetdb"], Value::Text).unstored().says("", "the database that the changes go to"),
    Key::new("targetgroup", &["targetgroup", "group", "dbgroup"], Value::Text)
        .unstored()
        .says("", "the group of databases that the changes go to"),
    Key::new("dbs", &["dbs", "db", "databases", "database"], Value::Text).unstored().says(
        "",
        "all databases with their roles, instead of source=, targetdb= and targetgroup=: a:source,b:target; several sources are \
         masters of one another",
    ),
    Key::new("conflict_strategy", &["conflict_strategy", "conflict", "standard_conflict"], Value::Text).unstored().says(
        "",
        "which change wins when masters have changed the same row: latest, source, target, skip, random, abort, \
         latest_all_tables, or names of databases in the order in which they win; none: the table's standard_conflict, else latest",
    ),
    Key::new("status", &["status"], Value::OneOf(&["active", "inactive"])).says("active", "whether the daemon runs the sync"),
    Key::new("ping", &["ping", "autokick"], Value::Bool).says("1", "whether a change on a source starts the sync"),
    Key::new("checktime", &["checktime"], Value::Interval).says("", "start it at least this often"),
    Key::new("do_listen", &["do_listen"], Value::Bool)
        .says("0", "hear kicks that programs send on the source, also with ping=0"),
    Key::new("overdue", &["overdue"], Value::Interval)
        .says("0 seconds", "how long changes may wait until a mail and `status` call the sync overdue; 0 is for ever"),
    Key::new("expired", &["expired"], Value::Interval).says("0 seconds", "the same for expired, which is worse"),
    Key::new("onetimecopy", &["onetimecopy"], Value::NumberOf(&["0", "1", "2"]))
        .says("0", "copy whole tables once: 1 all, 2 those that are empty on the target"),
    Key::new("capture", &["capture"], Value::OneOf(&["ordinary", "always"]))
        .says("ordinary", "always: also what is written on the sources while triggers are off, as by logical replication"),
    Key::new("makedelta", &["makedelta", "target_makedelta"], Value::Bool)
        .says("0", "note what the sync writes as changes for other syncs that start at the target"),
    Key::new("strict_checking", &["strict_checking"], Value::Bool)
        .says("1", "refuse tables whose columns differ in a way that may do no harm"),
    Key::new("txnmode", &["isolation_level", "txnmode"], Value::OneOf(&["repeatable read", "serializable"]))
        .says("repeatable read", "the isolation level in which the sources are read"),
    Key::new("track_rates", &["track_rates"], Value::Bool)
        .says("0", "keep how long changes took, in the table bucardo_rate; not for fullcopy"),
    Key::new("analyze_after_copy", &["analyze_after_copy"], Value::Bool)
        .says("1", "ANALYZE tables that were copied, unless the table says otherwise"),
    Key::new("usecustomselect", &["customselect", "usecustomselect"], Value::Bool)
        .says("0", "fullcopy: copy what the column customselect of a table selects"),
    Key::new("limitdbs", &["limitdbs"], Value::Number).says("0", "targets that are worked on at the same time, at most; 0 is all"),
    Key::new("stayalive", &["stayalive"], Value::Bool).says("1", "whether the CTL stays between jobs"),
    Key::new("kidsalive", &["kidsalive"], Value::Bool).says("1", "whether the KIDs stay between jobs"),
    Key::new("lifetime", &["lifetime"], Value::Interval).says("", "replace the CTL at the first kick after this time"),
    Key::new("maxkicks", &["maxkicks"], Value::Number).says("0", "replace the CTL after so many kicks; 0 never"),
    Key::new("priority", &["priority"], Value::Number).says("0", "shown by `status`; without effect"),
    Key::new("rebuild_index", &["rebuild_index", "rebuildindex"], Value::Number)
        .says("0", "without effect: that of each table counts"),
];

pub(super) fn run(session: &mut Session, word: &str, words: &[String]) -> Result<u8> {
    let pairs = pairs::read(words, KEYS, USAGE)?;
    let name = pairs.get("name").unwrap_or(word).to_owned();
    let members = Members::of(&pairs)?;
    let (lines, notes) = session.transaction(|session| {
        refuse_all(&name)?;
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

/// Verbs take the word for all syncs.
pub(in crate::cli) fn refuse_all(name: &str) -> Result<()> {
    match name.eq_ignore_ascii_case("all") {
        true => Err(refusal::refused("A sync cannot be called \"all\"", "choose another name: that word means all syncs")),
        false => Ok(()),
    }
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
    let row = row.text(column, &target).pairs(pairs, &[]);
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

/// What decides between masters. Who names several in one word and leaves that open gets what the
/// newer program does.
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

/// Validates the new sync. One that cannot be validated today, because a server is down or because
/// it is not complete yet, stays.
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
