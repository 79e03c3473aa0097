//! What cannot be replicated as a table, or not to be relied on, by its kind.

use crate::cli::refusal;
use crate::error::Result;
use crate::pg::{Connection, Relation};
use crate::warn_user;

/// The first version in which a partitioned table can have row triggers.
pub const WITH_ROW_TRIGGERS: u32 = 110_000;

/// Refuses, by its kind, what is there under this name and cannot be replicated as a table. What is
/// missing is left to the caller.
pub fn check(remote: &mut Connection, relation: &Relation) -> Result<()> {
    let sql = "select c.relkind::text, c.relpersistence::text \
               from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2";
    let Some(row) = remote.query_opt(sql, &[&relation.schema.raw(), &relation.name.raw()])? else { return Ok(()) };
    let (kind, persistence): (String, String) = (row.get(0), row.get(1));
    if let Some((what, hint)) = unfit(&kind, &persistence, remote.version()) {
        return Err(refusal::refused(format!("{} is {what}", relation.label()), hint));
    }
    if persistence == "u" && kind == "r" {
        warn_of_unlogged(relation);
    }
    Ok(())
}

/// What it is, and what can be done instead.
fn unfit(kind: &str, persistence: &str, version: u32) -> Option<(&'static str, &'static str)> {
    match (kind, persistence) {
        (_, "t") => Some(("a temporary table", "it is seen by one session only: make it a table, or leave it out")),
        ("v", _) => Some(("a view", "add the tables that it reads")),
        ("m", _) => Some(("a materialized view", "add the tables that it reads, and refresh it on the targets")),
        ("f", _) => Some(("a foreign table", "replicate the table itself, from the server that it is on")),
        ("S", _) => Some(("a sequence", "`add sequence` adds it")),
        ("p", _) if version < WITH_ROW_TRIGGERS => {
            Some(("a partitioned table, which has no row triggers before PostgreSQL 11", "add its partitions"))
        }
        ("r" | "p", _) => None,
        _ => Some(("no table", "`add all tables` shows what there is to add")),
    }
}

/// Rows that a crash takes are in no change.
pub fn warn_of_unlogged(relation: &Relation) {
    warn_user!("Warning: table {} is unlogged: a crash of its server empties it, which is told then", relation.label());
}

/// Tells which of these goats are tables without a key: only a fullcopy can carry them.
pub fn warn_of_no_key(control: &mut Connection, goats: &[i32]) -> Result<()> {
    let sql = "select schemaname, tablename from bucardo.goat \
               where id = any ($1) and reltype = 'table' and pkey = '' order by schemaname, tablename";
    let label = |row: &postgres::Row| Relation::new(row.get::<_, String>(0), row.get::<_, String>(1)).label();
    let tables: Vec<String> = control.query(sql, &[&goats])?.iter().map(label).collect();
    match tables.as_slice() {
        [] => {}
        [only] => warn_user!("Warning: table {only} has {NO_KEY}"),
        several => warn_user!("Warning: {} tables have {NO_KEY}: {}", several.len(), several.join(", ")),
    }
    Ok(())
}

const NO_KEY: &str = "no primary key and no unique index over NOT NULL columns, so only a fullcopy can carry it";
