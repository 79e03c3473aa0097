//! `update sync NAME add|remove table|sequence ...` and `update dbgroup NAME add|remove ...`
//! (reference, 3.13): who belongs to a sync's herd, and to a group.

use super::find::{self, Thing};
use crate::cli::add::{dbgroup, herd, used};
use crate::cli::noun::Noun;
use crate::cli::relation::{self, Goat};
use crate::cli::{Session, presence, refusal};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::{say, warn_user};

/// Puts tables or sequences into the herd of a sync, or takes them out.
pub fn of_sync(session: &mut Session, name: &str, verb: &str, words: &[String]) -> Result<u8> {
    let usage = || {
        Error::new(Kind::Usage, format!("Usage: update sync {name} {verb} table|sequence <name(s)>"))
            .hint("see `help update sync`")
    };
    let (kind, names) = words.split_first().filter(|(_, names)| !names.is_empty()).ok_or_else(usage)?;
    let kind = ["table", "sequence"].into_iter().find(|known| known == kind).ok_or_else(usage)?;
    let (sync, herd, lines) = session.transaction(|session| {
        let control = &mut session.control;
        let sync = only(find::anchored(control, Noun::Sync, name)?, "sync")?;
        let herd: String = control.query_one("select source from bucardo.sync where name = $1", &[&sync.key])?.get(0);
        let mut lines = Vec::new();
        for name in names {
            let found = members(control, &herd, kind, verb, name);
            lines.extend(found.map_err(|error| if verb == "add" { never_added(error, kind, name, &sync.key) } else { error })?);
        }
        Ok((sync, herd, lines))
    })?;
    lines.iter().for_each(|line| warn_user!("{line}"));
    let changed = lines.iter().any(|line| !line.starts_with("Skipping"));
    if kind == "table" && changed {
        say!("Don't forget to run bucardo_ctl validate {}", sync.key);
    }
    if changed && presence::absent(session)?.is_none() {
        let carries = if verb == "add" { "without what was added" } else { "with what was removed" };
        warn_user!("Note: the running daemon goes on {carries}, until you run: {} reload {}", session.prog, sync.key);
    }
    if changed {
        used::fitness(&mut session.control, &herd)?;
    }
    Ok(0)
}

/// Only what is known can be put into a herd; another command makes it known and does that, too.
fn never_added(error: Error, kind: &str, name: &str, sync: &str) -> Error {
    match error.kind() {
        Kind::NotFound if !name.ends_with('*') => {
            let hint = format!(
                "To add one that was never added, run: bucardo_ctl add {kind} {name} db=DATABASE sync={sync}; \
                 `list {kind}` shows those that were"
            );
            refusal::missing(error.message().to_owned(), hint)
        }
        _ => error,
    }
}

fn only(mut found: Vec<Thing>, what: &str) -> Result<Thing> {
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        _ => Err(refusal::refused(format!("Can only add to one {what} at a time"), "write the whole name, without a *")),
    }
}

/// Does it for one name or pattern; the lines that tell of it.
fn members(control: &mut Connection, herd: &str, kind: &str, verb: &str, name: &str) -> Result<Vec<String>> {
    let goats = goats(control, herd, kind, name)?;
    goats.iter().map(|goat| if verb == "add" { join(control, herd, goat) } else { leave(control, herd, goat) }).collect()
}

fn join(control: &mut Connection, herd: &str, goat: &Goat) -> Result<String> {
    let (kind, label) = (&goat.kind, goat.relation.label());
    Ok(match herd::join(control, herd, goat)? {
        true => format!("Added {kind} {label} to herd {herd}"),
        false => format!("Skipping {kind} {label}: already part of that sync"),
    })
}

fn leave(control: &mut Connection, herd: &str, goat: &Goat) -> Result<String> {
    let (kind, label) = (&goat.kind, goat.relation.label());
    Ok(match control.execute("delete from bucardo.herdmap where herd = $1 and goat = $2", &[&herd, &goat.id])? {
        0 => format!("Skipping {kind} {label}: does not belong to the sync"),
        _ => format!("Removed {kind} {label} from herd {herd}"),
    })
}

/// The relations of the herd's database that a name means; with a star at its end, there may be
/// several.
fn goats(control: &mut Connection, herd: &str, kind: &str, name: &str) -> Result<Vec<Goat>> {
    let sql = "select min(g.db) from bucardo.herdmap m join bucardo.goat g on g.id = m.goat where m.herd = $1";
    let db: Option<String> = control.query_one(sql, &[&herd])?.get(0);
    let found: Vec<Goat> = match name.strip_suffix('*') {
        Some(start) => relation::starting(control, start, db.as_deref())?,
        None => relation::find(control, name, db.as_deref())?,
    };
    let found: Vec<Goat> = found.into_iter().filter(|goat| goat.kind == kind).collect();
    match (found.len(), name.ends_with('*')) {
        (0, _) => Err(refusal::missing(format!("Unknown {kind}: {name}"), format!("`list {kind}` shows what there is"))),
        (2.., false) => Err(refusal::refused(
            format!("More than one {kind} found for {name}: use wildcards or a schema"),
            format!("`list {kind} {name}` shows them"),
        )),
        _ => Ok(found),
    }
}

/// Puts databases into a group, or takes them out.
pub fn of_group(session: &mut Session, name: &str, verb: &str, names: &[String]) -> Result<u8> {
    if names.is_empty() {
        let usage = format!("Usage: update dbgroup {name} {verb} <dbname(s)>");
        return Err(Error::new(Kind::Usage, usage).hint("see `help update dbgroup`"));
    }
    let (group, lines) = session.transaction(|session| {
        let control = &mut session.control;
        let group = only(find::anchored(control, Noun::Dbgroup, name)?, "dbgroup")?;
        let lines = names.iter().map(|name| databases(control, &group.key, verb, name)).collect::<Result<Vec<_>>>()?.concat();
        Ok((group, lines))
    })?;
    lines.iter().for_each(|line| warn_user!("{line}"));
    if lines.iter().any(|line| !line.starts_with("Skipping")) {
        used::dbgroup(&mut session.control, &group.key)?;
    }
    Ok(0)
}

fn databases(control: &mut Connection, group: &str, verb: &str, name: &str) -> Result<Vec<String>> {
    let found = find::anchored(control, Noun::Db, name).map_err(|error| match error.kind() {
        Kind::NotFound => refusal::missing(format!("Unknown database: {name}"), "`list db` shows the databases"),
        _ => error,
    })?;
    found.iter().map(|db| if verb == "add" { enter(control, group, &db.key) } else { quit(control, group, &db.key) }).collect()
}

fn enter(control: &mut Connection, group: &str, db: &str) -> Result<String> {
    Ok(match dbgroup::join(control, db, group, 0)? {
        true => format!("Added database {db} to database group {group}"),
        false => format!("Skipping dbgroup {db}: already part of that group"),
    })
}

fn quit(control: &mut Connection, group: &str, db: &str) -> Result<String> {
    Ok(match control.execute("delete from bucardo.dbmap where dbgroup = $1 and db = $2", &[&group, &db])? {
        0 => format!("Skipping dbgroup {db}: does not belong to that group"),
        _ => format!("Removed database {db} from database group {group}"),
    })
}
