//! The instance that a pid file belongs to. Several control databases may have daemons on one
//! machine, each with a directory of its own for pid files; where two are set to the same
//! directory, the pid files tell them apart: a line of theirs names the control database.

use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use std::path::Path;

/// How the line begins. The word after it is the id.
const START: &str = "instance ";

/// The line for the daemon of this control database; empty where the schema was not upgraded yet. A
/// copy of the database, or of its whole server, is another instance.
pub fn line(control: &mut Connection) -> Result<String> {
    if control.query_one("select to_regclass('bucardo.installation') is null", &[])?.get(0) {
        return Ok(String::new());
    }
    let sql = "select i.id || '.' || d.oid || '.' || current_setting('port'), \
                      format('of control database \"%s\", port %s', d.datname, current_setting('port')) \
               from bucardo.installation i, pg_catalog.pg_database d where d.datname = current_database()";
    let row = control.query_opt(sql, &[])?;
    Ok(row.map(|row| format!("{START}{} {}", row.get::<_, String>(0), row.get::<_, String>(1))).unwrap_or_default())
}

/// Whether a pid file says that it is another instance's. One that says nothing may be of any.
pub fn is_other(file: &Path, ours: &str) -> bool {
    match (of_file(file), id(ours)) {
        (Some(line), Some(ours)) => id(&line) != Some(ours),
        _ => false,
    }
}

/// Whether a pid file says that it is this instance's.
pub fn is_ours(file: &Path, ours: &str) -> bool {
    of_file(file).is_some_and(|line| id(&line).is_some() && id(&line) == id(ours))
}

/// The refusal of a directory in which a daemon of another instance keeps its files.
pub fn in_use(piddir: &Path, file: &Path, pid: i32) -> Error {
    let line = of_file(file).unwrap_or_default();
    let whose =
        line.strip_prefix(START).and_then(|rest| rest.split_once(' ')).map_or("another control database", |(_, whose)| whose);
    let whose = whose.strip_prefix("of ").unwrap_or(whose);
    let sentence = format!("directory \"{}\" is in use by the daemon of {whose} (PID {pid})", piddir.display());
    Error::new(Kind::Refused, sentence)
        .hint("Give this control database a directory of its own. Run: bucardo_ctl set piddir=DIRECTORY")
        .exit_code(1)
}

fn of_file(file: &Path) -> Option<String> {
    let text = crate::files::read(file).ok()?;
    text.lines().skip(1).find(|line| line.starts_with(START)).map(str::to_owned)
}

fn id(line: &str) -> Option<&str> {
    line.strip_prefix(START)?.split(' ').next().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use std::fs;

    #[test]
    fn a_file_is_ours_another_s_or_nobody_s() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bucardo.mcp.pid");
        let ours = "instance a.1.5432 of control database \"x\", port 5432";
        assert!(!is_other(&file, ours) && !is_ours(&file, ours));
        fs::write(&file, "12\nbucardo_ctl\nMon Nov 23\n").unwrap();
        assert!(!is_other(&file, ours) && !is_ours(&file, ours));
        fs::write(&file, format!("12\n{ours}\n")).unwrap();
        assert!(!is_other(&file, ours) && is_ours(&file, ours) && !is_other(&file, ""));
        fs::write(&file, "12\ninstance a.1.5433 of control database \"y\", port 5433\n").unwrap();
        assert!(is_other(&file, ours) && !is_ours(&file, ours));
        let error = in_use(dir.path(), &file, 12);
        assert!(error.message().ends_with("is in use by the daemon of control database \"y\", port 5433 (PID 12)"), "{error}");
    }
}
