//! Partitions that nobody replicates, beside others that are replicated as tables of their own. A
//! row that moves to such a one is deleted on the targets, as it leaves the table that is
//! replicated; so its being there is told.

use crate::control::sync::{Goat, Sync};
use crate::error::{Kind, Result};
use crate::pg::{Connection, Relation};
use crate::replicate::notes::warning;

/// Warnings about such partitions in a sync's source, whose tables are these.
pub fn warnings(control: &mut Connection, sync: &Sync, goats: &[Goat], source: &mut Connection) -> Result<Vec<String>> {
    let db = sync.source()?;
    let mine: Vec<String> = goats.iter().filter(|goat| goat.is_table).map(|goat| goat.relation.to_string()).collect();
    let sql = "select distinct g.schemaname, g.tablename from bucardo.goat g \
               join bucardo.herdmap m on m.goat = g.id join bucardo.sync s on s.source = m.herd \
               where g.db = $1 and g.reltype = 'table' and not g.ghost";
    let all: Vec<String> = control
        .query(sql, &[&db])?
        .iter()
        .map(|row| Relation::new(row.get::<_, String>(0), row.get::<_, String>(1)).to_string())
        .collect();
    let told = |row: &postgres::Row| {
        let (part, whole): (String, String) = (row.get(0), row.get(1));
        warning(format!(
            "Table \"{part}\" on database \"{db}\" is in no sync, though other partitions of \"{whole}\" are: rows that move there are deleted on the targets; add it, or \"{whole}\" instead of its partitions"
        ))
    };
    Ok(source.query(include_str!("../sql/stray_partitions.sql"), &[&mine, &all])?.iter().map(told).collect())
}

/// Has the daemon validate a sync that was not told of such a partition yet: what comes of that is
/// shown by `status`. Between rounds.
pub fn ask_for_validation(control: &mut Connection, name: &str, source: &mut Connection) -> Result<()> {
    let sync = match Sync::load(control, name) {
        // It is about to be stopped.
        Err(error) if error.kind() == Kind::NotFound => return Ok(()),
        loaded => loaded?,
    };
    let goats = sync.goats(control)?;
    let found = warnings(control, &sync, &goats, source)?;
    if found.is_empty() {
        return Ok(());
    }
    let outcome = control.query_opt("select coalesce(outcome, '') from bucardo.validation where sync = $1 and ok", &[&name])?;
    let told = outcome.map(|row| row.get::<_, String>(0));
    if told.is_some_and(|told| found.iter().any(|warning| !told.contains(warning.as_str()))) {
        control.execute("select bucardo.request_validation($1, false)", &[&name])?;
    }
    Ok(())
}
