//! `add dbgroup`: a name for several databases.

use super::used;
use crate::cli::{Session, pattern, refusal};
use crate::error::{Error, Result};
use crate::pg::Connection;

pub(super) const USAGE: &str = "Usage: add dbgroup <name> [database1 database2 ...]

  Databases may be given by patterns such as a* or *a*. A group that exists gets what it lacks.

  add dbgroup branches north south";

pub(super) fn run(session: &mut Session, name: &str, words: &[String]) -> Result<u8> {
    let lines: Vec<String> = session.transaction(|session| {
        let control = &mut session.control;
        let made = ensure(control, name).map_err(|error| error.context(format!("Failed to add database group \"{name}\"")))?;
        let mut lines = Vec::new();
        for db in matching(control, words)? {
            if join(control, &db, name, 1)? {
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

/// The databases that the words mean; words without any match at all are refused.
fn matching(control: &mut Connection, words: &[String]) -> Result<Vec<String>> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let patterns: Vec<_> = words.iter().map(|word| pattern::starred(word)).collect();
    let rows = control.query("select name from bucardo.db where name ~ any($1) order by name", &[&patterns])?;
    if rows.is_empty() {
        return Err(refusal::missing("No matching databases found", "`list db` shows the databases; `add db` adds one"));
    }
    Ok(rows.iter().map(|row| row.get(0)).collect())
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
