//! `add dbgroup`: a name for several databases.

use super::newer::dbgroup::Member;
use super::sync_members::exists;
use super::used;
use crate::cli::{Session, pattern, refusal};
use crate::error::{Error, Result};
use crate::pg::Connection;

pub(super) const USAGE: &str = "Usage: add dbgroup <name> [database1 database2 ...]

  Databases may be given by patterns such as a* or *a*, and with a role, source or target; without one, a database is a target.
  A group that exists gets what it lacks.

  add dbgroup branches north south
  add dbgroup masters shop:source berlin:source";

pub(super) fn run(session: &mut Session, name: &str, words: &[String]) -> Result<u8> {
    let lines: Vec<String> = session.transaction(|session| {
        let control = &mut session.control;
        let made = ensure(control, name).map_err(|error| error.context(format!("Failed to add database group \"{name}\"")))?;
        let mut lines = Vec::new();
        for (db, role) in members(control, words)? {
            if join_as(control, &db, name, 1, role)? {
                lines.push(format!("Added database \"{db}\" to group \"{name}\""));
            }
        }
        if made {
            lines.push(format!("Added database group \"{name}\""));
        }
        Ok(lines)
    })?;
    super::report(session, &lines);
    if !lines.is_empty() {
        used::dbgroup(&mut session.control, name)?;
    }
    Ok(0)
}

/// The databases that the words mean, with their roles; words without any match at all are refused.
fn members(control: &mut Connection, words: &[String]) -> Result<Vec<(String, &'static str)>> {
    let (with_role, plain): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.contains(':'));
    let mut members = matching(control, &plain)?;
    for word in with_role {
        let found = matching(control, &[word])?;
        match found.is_empty() {
            true => members.push(member(control, word)?),
            false => members.extend(found),
        }
    }
    match members.is_empty() && !words.is_empty() {
        true => Err(refusal::missing("No matching databases found", "`list db` shows the databases; `add db` adds one")),
        false => Ok(members),
    }
}

/// A database with its role, as the newer dialect writes it.
fn member(control: &mut Connection, word: &str) -> Result<(String, &'static str)> {
    let Member { db, role, .. } = Member::of(word)?;
    match exists(control, "db", &db)? {
        true => Ok((db, role)),
        false => Err(refusal::missing(format!("No such database: {db}"), "`list db` shows the databases; `add db` adds one")),
    }
}

fn matching(control: &mut Connection, words: &[&String]) -> Result<Vec<(String, &'static str)>> {
    let patterns: Vec<_> = words.iter().map(|word| pattern::starred(word)).collect();
    let rows = control.query("select name from bucardo.db where name ~ any($1) order by name", &[&patterns])?;
    Ok(rows.iter().map(|row| (row.get(0), "target")).collect())
}

/// Makes the group if it is missing; whether it was.
pub(in crate::cli) fn ensure(control: &mut Connection, name: &str) -> Result<bool> {
    let sql = "insert into bucardo.dbgroup (name) values ($1) on conflict (name) do nothing";
    control.execute(sql, &[&name]).map(|rows| rows > 0).map_err(Error::from)
}

/// Puts a database into a group, as a target; whether it was not yet there.
pub(in crate::cli) fn join(control: &mut Connection, db: &str, group: &str, priority: i16) -> Result<bool> {
    join_as(control, db, group, priority, "target")
}

/// Puts a database into a group; whether it was not yet there.
pub(in crate::cli) fn join_as(control: &mut Connection, db: &str, group: &str, priority: i16, role: &str) -> Result<bool> {
    let sql =
        "insert into bucardo.dbmap (db, dbgroup, priority, role) values ($1, $2, $3, $4) on conflict (db, dbgroup) do nothing";
    control.execute(sql, &[&db, &group, &priority, &role]).map(|rows| rows > 0).map_err(Error::from)
}
