//! `remove`: takes things out of the control database. All names are looked up first; then all go,
//! in one transaction, or none.

mod newer;

use crate::cli::add::used;
use crate::cli::answer::{Patience, ask};
use crate::cli::noun::{self, Noun, WORDS};
use crate::cli::presence;
use crate::cli::relation::{self, Goat};
use crate::cli::table::Topic;
use crate::cli::{Session, help, near, refusal};
use crate::control::channel::sync_request;
use crate::error::{Error, Result};
use crate::pg::Connection;
use crate::replicate::sync::deployments;
use crate::{say, warn_user};

/// How many seconds a running daemon may take to leave a sync alone.
const DAEMON: u64 = 5;

const USAGE: &str = "Usage: {verb} <type> <name> [options]

  {verb} db|dbgroup|herd|table|sequence|sync|customcode <name> [name2 name3 ...]

  {verb} sync orders";

/// Usage texts.
pub const TOPICS: &[Topic] = &[
    help::only(USAGE),
    help::about(
        &["customcode", "custom_code", "code"],
        "Usage: {verb} customcode <name> [name2 name3 ...]\n\n  {verb} customcode audit",
    ),
    help::about(
        &["db", "database", "d", "dbs", "databases"],
        "Usage: {verb} db <name> [name2 name3 ...]\n\n  {verb} db warehouse",
    ),
    help::about(&["dbgroup", "dbg", "dbgroups"], "Usage: {verb} dbgroup <name> [name2 name3 ...]\n\n  {verb} dbgroup branches"),
    help::about(
        &["herd", "herds", "relgroup", "relgroups"],
        "Usage: {verb} herd <name> [name2 name3 ...]\n\n  {verb} herd sales",
    ),
    help::about(&["sync", "syncs"], "Usage: {verb} sync <name> [name2 name3 ...]\n\n  {verb} sync orders stock"),
    help::about(&["table", "tables", "tab"], "Usage: {verb} table <name> [name2 name3 ...]\n\n  {verb} table public.lines"),
    help::about(
        &["sequence", "sequences", "seq"],
        "Usage: {verb} sequence <name> [name2 name3 ...]\n\n  {verb} sequence public.lines_id_seq",
    ),
];

/// What is the same for all things that have a name of their own.
struct Kind {
    table: &'static str,
    /// As in `No such …` and `Removed …`.
    title: &'static str,
    /// The beginning of a refusal.
    cannot: &'static str,
    /// Rules that refuse, and what has to go first.
    blocked: &'static [(&'static str, &'static str)],
}

const DB: Kind = Kind {
    table: "db",
    title: "database",
    cannot: "Cannot delete database",
    blocked: &[
        ("goat_db_fk", "must remove all tables that reference it first"),
        ("sync_targetdb_fk", "must remove all syncs that reference it first"),
    ],
};
const DBGROUP: Kind = Kind {
    table: "dbgroup",
    title: "database group",
    cannot: "Cannot remove database group",
    blocked: &[("sync_targetgroup_fk", "it is being used by one or more syncs")],
};
const HERD: Kind = Kind {
    table: "herd",
    title: "herd",
    cannot: "Cannot delete herd",
    blocked: &[("sync_source_herd_fk", "must remove all syncs that reference it first")],
};
const SYNC: Kind = Kind { table: "sync", title: "sync", cannot: "Cannot remove sync", blocked: &[] };
const CODE: Kind = Kind { table: "customcode", title: "code", cannot: "Cannot delete code", blocked: &[] };

/// `remove TYPE NAME [NAME ...]`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let verb = session.verb.clone();
    let Some((kind, names)) = nouns.split_first() else { return Ok(help::usage(session.personality, &verb, &[])) };
    if session.dialect().newer {
        return newer::run(session, kind, names);
    }
    let Some(noun) = noun::exact(kind) else {
        warn_user!("Cannot remove: unknown type");
        let types = "the types are db, dbgroup, herd, table, sequence, sync and customcode";
        warn_user!("HINT: {}", near::ahead(near::question(kind, WORDS), types));
        return Ok(1);
    };
    if names.is_empty() {
        return Ok(help::usage(session.personality, &verb, &[kind]));
    }
    let lines = match noun {
        Noun::Sync => syncs(session, names)?,
        _ => session.transaction(|session| remove(session, noun, names))?,
    };
    lines.iter().for_each(|line| say!("{line}"));
    Ok(0)
}

fn remove(session: &mut Session, noun: Noun, names: &[String]) -> Result<Vec<String>> {
    match noun {
        Noun::Db => named(&mut session.control, &DB, names),
        Noun::Dbgroup => named(&mut session.control, &DBGROUP, names),
        Noun::Herd => named(&mut session.control, &HERD, names),
        Noun::Sync => named(&mut session.control, &SYNC, names),
        Noun::Customcode => named(&mut session.control, &CODE, names),
        Noun::Customname | Noun::Customcols => customs(&mut session.control, noun, names),
        Noun::Conflict => {
            Err(refusal::refused("Cannot remove: unknown type", "records of conflicts go by themselves, after a month"))
        }
        Noun::Table => goats(&mut session.control, "table", names),
        Noun::Sequence => goats(&mut session.control, "sequence", names),
    }
}

fn named(control: &mut Connection, kind: &Kind, names: &[String]) -> Result<Vec<String>> {
    let names = all_there(control, kind, names)?;
    names.iter().map(|name| delete(control, kind, name)).collect()
}

/// The names, each once, if all of them exist.
fn all_there(control: &mut Connection, kind: &Kind, names: &[String]) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        let sql = format!("select from bucardo.{} where name = $1 for update", kind.table);
        if control.query_opt(&sql, &[&name])?.is_none() {
            let there_is = format!("`list {}` shows what there is; names are case-sensitive", kind.table);
            let hint = near::among(control, kind.table, name, &there_is);
            return Err(refusal::missing(format!("No such {}: {name}", kind.title), hint));
        }
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    Ok(found)
}

fn delete(control: &mut Connection, kind: &Kind, name: &str) -> Result<String> {
    let sql = format!("delete from bucardo.{} where name = $1", kind.table);
    match control.execute(&sql, &[&name]) {
        // "code" is what the original calls it when it is missing, and only then.
        Ok(_) => Ok(format!("Removed {} \"{name}\"", if kind.title == "code" { kind.table } else { kind.title })),
        Err(error) => Err(blocked(error.into(), kind, name)),
    }
}

fn blocked(error: Error, kind: &Kind, name: &str) -> Error {
    match kind.blocked.iter().find(|(rule, _)| refusal::is(&error, rule)) {
        Some((rule, first)) => {
            let list = match *rule {
                "goat_db_fk" => "list table --verbose",
                _ => "list sync",
            };
            refusal::refused(format!("{} \"{name}\": {first}", kind.cannot), format!("`{list}` shows what uses it"))
        }
        None => error.context(format!("Could not delete {} \"{name}\"", kind.title)),
    }
}

/// Removes syncs, and then what they have on their databases. A database that is down keeps it, and
/// the user is told.
fn syncs(session: &mut Session, names: &[String]) -> Result<Vec<String>> {
    // What runs and what is on the databases stays when this is only a rehearsal.
    let rehearsal = session.rehearses();
    if !rehearsal {
        stop_syncs(session, names)?;
    }
    let mut lines = session.transaction(|session| remove(session, Noun::Sync, names))?;
    for name in names.iter().filter(|_| !rehearsal) {
        lines.extend(deployments::tidy(&mut session.control, name)?.into_iter().map(|note| format!("Note: {note}")));
    }
    Ok(lines)
}

/// A running daemon leaves the syncs alone first, so that none of its processes stumbles over what
/// is removed under its feet. One that does not answer stops them when the rows are gone.
fn stop_syncs(session: &mut Session, names: &[String]) -> Result<()> {
    session.transaction(|session| all_there(&mut session.control, &SYNC, names))?;
    if presence::absent(session)?.is_some() {
        return Ok(());
    }
    for name in names {
        let patience = Patience::new(DAEMON);
        ask(&mut session.control, &sync_request("deactivate", name), &sync_request("deactivated", name), patience)?;
    }
    Ok(())
}

fn goats(control: &mut Connection, kind: &str, names: &[String]) -> Result<Vec<String>> {
    let mut all: Vec<Goat> = Vec::new();
    for name in names {
        let found = relation::find(control, name, None)?;
        if found.is_empty() {
            return Err(refusal::missing(format!("No such {kind}: {name}"), format!("`list {kind}` shows what there is")));
        }
        all.extend(found);
    }
    all.sort_by_key(|goat| goat.id);
    all.dedup_by_key(|goat| goat.id);
    let mut lines = Vec::new();
    for goat in &all {
        lines.push(delete_goat(control, goat)?);
    }
    Ok(lines)
}

/// Custom names and columns have a number of their own; the name of the table, which is never a
/// number here, means all of its.
fn customs(control: &mut Connection, noun: Noun, names: &[String]) -> Result<Vec<String>> {
    let table = if noun == Noun::Customname { "customname" } else { "customcols" };
    let mut lines = Vec::new();
    for name in names {
        let number = name.chars().all(|c| c.is_ascii_digit());
        let goats = if number { Vec::new() } else { relation::find(control, name, None)? };
        let ids: Vec<i32> = goats.iter().map(|goat| goat.id).collect();
        let sql = format!("delete from bucardo.{table} where id::text = $1 or goat = any ($2) returning id, goat");
        let gone = control.query(&sql, &[&name, &ids])?;
        if gone.is_empty() {
            return Err(refusal::missing(format!("No such {table}: {name}"), format!("`list {table}` shows what there is")));
        }
        lines.extend(gone.iter().map(|row| format!("Removed {table} {}", row.get::<_, i32>(0))));
        used::selection(control, &gone.iter().map(|row| row.get(1)).collect::<Vec<_>>())?;
    }
    Ok(lines)
}

fn delete_goat(control: &mut Connection, goat: &Goat) -> Result<String> {
    let sql =
        "select distinct s.name from bucardo.sync s join bucardo.herdmap m on m.herd = s.source where m.goat = $1 order by 1";
    for row in control.query(sql, &[&goat.id])? {
        let sync: String = row.get(0);
        warn_user!("Note: {} is no longer part of sync \"{sync}\"; validate and reload that sync", goat.relation.label());
    }
    control.execute("delete from bucardo.goat where id = $1", &[&goat.id])?;
    Ok(format!("Removed {} \"{}\"", goat.kind, goat.relation.label()))
}
