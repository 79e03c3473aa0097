//! Triggers of ours on the tables of users: read for many tables at once, and put right one by one, where they are not.
//!
//! DDL on a user's table waits for a lock at most a moment at a time, because while it waits, everybody behind it waits too.

use crate::error::{Kind, Result};
use crate::pg::{Connection, Ident, Relation};
use crate::replicate::install::rolled_back;
use crate::replicate::shape::Shape;
use std::collections::BTreeMap;

/// How long a DDL statement on a user's table waits for its lock, and how often it is tried.
const LOCK_TIMEOUT: &str = "800ms";
const LOCK_TRIES: u32 = 12;

/// A trigger that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    enabled: bool,
    /// It has a WHEN. Ours have none, since version 3 of the capture objects.
    conditional: bool,
    /// The schema and name of its function.
    calls: (String, String),
}

impl State {
    fn right(function: &Relation) -> State {
        State { enabled: true, conditional: false, calls: (function.schema.raw().to_owned(), function.name.raw().to_owned()) }
    }
}

/// The triggers of some names on some tables, by table and name.
#[derive(Default)]
pub struct Triggers {
    there: BTreeMap<(String, String), State>,
}

impl Triggers {
    /// Looks, in one round trip.
    pub fn read(conn: &mut Connection, tables: &[Relation], names: &[&str]) -> Result<Triggers> {
        let statement = conn.keep(include_str!("sql/triggers.sql"))?;
        let (schemas, tables): (Vec<_>, Vec<_>) = tables.iter().map(|one| (one.schema.raw(), one.name.raw())).unzip();
        let rows = conn.query(&statement, &[&schemas, &tables, &names])?;
        let one = |row: &postgres::Row| {
            let table = Relation::new(row.get::<_, String>(0), row.get::<_, String>(1));
            (
                (table.to_string(), row.get(2)),
                State { enabled: row.get(3), conditional: row.get(6), calls: (row.get(4), row.get(5)) },
            )
        };
        Ok(Triggers { there: rows.iter().map(one).collect() })
    }

    /// Makes a trigger unless it is there, enabled, and calls `function`. One that was disabled by hand is enabled again; one of the same
    /// name that calls something else (the Perl program's triggers are called so, too) is replaced.
    pub fn ensure(
        &mut self,
        conn: &mut Connection,
        table: &Relation,
        name: &str,
        function: &Relation,
        create: &str,
    ) -> Result<()> {
        let (place, right) = ((table.to_string(), name.to_owned()), State::right(function));
        if let Some(ddl) = remedy(self.there.get(&place), &right, table, name, create) {
            locked(conn, table, &ddl)?;
            self.there.insert(place, right);
        }
        Ok(())
    }

    /// Drops a trigger, if it is there.
    pub fn remove(&mut self, conn: &mut Connection, table: &Relation, name: &str) -> Result<()> {
        match self.there.remove(&(table.to_string(), name.to_owned())) {
            Some(_) => locked(conn, table, &drop_text(table, name)),
            None => Ok(()),
        }
    }
}

fn drop_text(table: &Relation, name: &str) -> String {
    format!("drop trigger {} on {table}", Ident::new(name))
}

/// What makes a trigger right.
fn remedy(there: Option<&State>, right: &State, table: &Relation, name: &str, create: &str) -> Option<String> {
    match there {
        Some(there) if there == right => None,
        Some(there) if there.calls == right.calls && !there.conditional => {
            Some(format!("alter table {table} enable trigger {}", Ident::new(name)))
        }
        Some(_) => Some(format!("{}; {create}", drop_text(table, name))),
        None => Some(create.to_owned()),
    }
}

/// Drops a trigger that was there a moment ago.
pub fn drop(conn: &mut Connection, table: &Relation, name: &str) -> Result<()> {
    Triggers::read(conn, std::slice::from_ref(table), &[name])?.remove(conn, table, name)
}

/// Switches a trigger on again on the partitions where somebody switched it off; that of the partitioned table tells nothing of them.
pub fn enable_on_partitions(conn: &mut Connection, tables: &[&Shape], name: &str) -> Result<()> {
    let partitioned: Vec<u32> = tables.iter().filter(|table| table.partitioned).map(|table| table.oid).collect();
    if partitioned.is_empty() {
        return Ok(());
    }
    for row in &conn.query(include_str!("sql/partitions_off.sql"), &[&partitioned, &name])? {
        let partition = Relation::new(row.get::<_, String>(0), row.get::<_, String>(1));
        locked(conn, &partition, &format!("alter table {partition} enable trigger {}", Ident::new(name)))?;
    }
    Ok(())
}

/// Each table with, if it is partitioned, all its partitions: triggers for statements are not passed down.
pub fn members(conn: &mut Connection, tables: &[&Shape]) -> Result<Vec<Vec<Relation>>> {
    tables.iter().map(|table| with_partitions(conn, table)).collect()
}

fn with_partitions(conn: &mut Connection, table: &Shape) -> Result<Vec<Relation>> {
    if !table.partitioned {
        return Ok(vec![table.relation.clone()]);
    }
    let rows = conn.query(include_str!("sql/partitions.sql"), &[&table.oid])?;
    Ok(rows.iter().map(|row| Relation::new(row.get::<_, String>(0), row.get::<_, String>(1))).collect())
}

/// Runs DDL on a user's table with a short lock timeout, several times if need be.
fn locked(conn: &mut Connection, table: &Relation, ddl: &str) -> Result<()> {
    for _ in 1..LOCK_TRIES {
        match locked_once(conn, ddl) {
            Err(error) if matches!(error.kind(), Kind::Locked | Kind::Collision) => {}
            outcome => return outcome,
        }
    }
    locked_once(conn, ddl).map_err(|error| {
        error
            .context(format!("Table \"{}\" is locked by others", table.label()))
            .hint("A long transaction holds it; try again when it has ended. Nothing was changed on this table.")
    })
}

fn locked_once(conn: &mut Connection, ddl: &str) -> Result<()> {
    conn.batch(&format!("begin; set local lock_timeout = '{LOCK_TIMEOUT}'; {ddl}; commit"))
        .or_else(|error| rolled_back(conn, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_is_left_alone_enabled_replaced_or_made() {
        let (table, function) = (Relation::new("s", "t"), Relation::new("bucardo", "add_t"));
        let right = State::right(&function);
        let remedy = |there: Option<&State>| remedy(there, &right, &table, "x", "create it");
        assert_eq!(remedy(Some(&right)), None);
        assert_eq!(
            remedy(Some(&State { enabled: false, ..right.clone() })).unwrap_or_default(),
            "alter table \"s\".\"t\" enable trigger \"x\""
        );
        let outdated = State { conditional: true, ..right.clone() };
        assert_eq!(remedy(Some(&outdated)).unwrap_or_default(), "drop trigger \"x\" on \"s\".\"t\"; create it");
        let foreign = State::right(&Relation::new("public", "add_t"));
        assert_eq!(remedy(Some(&foreign)).unwrap_or_default(), "drop trigger \"x\" on \"s\".\"t\"; create it");
        assert_eq!(remedy(None).unwrap_or_default(), "create it");
    }
}
