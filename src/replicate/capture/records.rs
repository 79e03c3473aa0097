//! The captures of tables, as they are on record: read by a KID, made, mended and replaced by
//! `validate` ([`super::make`]), given up when no consumer reads them any more
//! ([`retire`](mod@super::retire)).
//!
//! A table whose key changes has two captures for a while. Triggers are replaced in one transaction
//! that has the table for itself; from that one on, called `since`, all changes are noted in both.
//! So a receipt that sees it needs the older capture no longer: who has such receipts from all
//! sources reads the newer one and says so ([`settle`]); when all have, the older one is not
//! written any more, and dropped later ([`super::retire`]). Nobody has to be idle for that.

use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Schema, catalog_text};
use crate::replicate::capture::objects::{Capture, KeyColumn, Names};
use crate::replicate::catalog::shape::{Key, Shape};
use crate::replicate::snapshot::Snapshot;
use std::collections::BTreeMap;

/// A capture on record.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// What is captured. Columns that are gone from the table are missing.
    pub capture: Capture,
    /// Since which transaction it holds all changes, if there was another one before.
    pub since: Option<i64>,
    /// How many columns the key had.
    columns: usize,
    /// It was made by an earlier version, which did not record types.
    pub(super) outdated: bool,
}

impl Recorded {
    /// Whether all columns of its key are still there.
    pub fn readable(&self) -> bool {
        self.capture.columns.len() == self.columns
    }

    /// Refuses a table whose key has types other than those by which it is noted: to compare the
    /// two, the server might call a cast of the table's owner, with the rights of our role.
    pub fn refuse_other_types(&self, table: &Shape) -> Result<()> {
        let fits = |column: &KeyColumn| table.column(&column.name).is_none_or(|now| column.takes(now.type_oid));
        if self.outdated || self.capture.columns.iter().all(fits) {
            return Ok(());
        }
        let label = table.relation.label();
        let sentence = format!("The key of table \"{label}\" has other types than those by which its changes are noted");
        Err(Error::new(Kind::Mismatch, sentence).hint("Validate the sync."))
    }

    /// Its key, by the names that the columns have now.
    pub fn key(&self) -> Key {
        Key {
            columns: self.capture.columns.iter().map(|column| column.name.clone()).collect(),
            types: Vec::new(),
            equals: self.capture.columns.iter().map(|column| column.equals.clone()).collect(),
            exact: self.capture.exact,
            immediate: false,
        }
    }

    /// Whether a receipt needs no older capture.
    pub fn serves(&self, receipt: Option<&Snapshot>) -> bool {
        self.since.is_none_or(|since| receipt.is_some_and(|receipt| receipt.sees(since)))
    }

    pub(super) fn notes(&self, wanted: &Capture) -> bool {
        let same = |(ours, theirs): (&KeyColumn, &KeyColumn)| {
            ours.number == theirs.number && ours.stored_with_collation() == theirs.stored_with_collation()
        };
        !self.outdated
            && self.columns == wanted.columns.len()
            && self.readable()
            && self.capture.columns.iter().zip(&wanted.columns).all(same)
    }
}

/// An expression that is true when it is to be chosen anew which captures are read: when a consumer
/// needs older captures no longer, and when something could not be captured. The tables come with
/// what the record said when that was chosen; $1 and $2 are as in
/// [`Plan::changed_expression`](crate::replicate::plan::Plan::changed_expression).
pub fn chosen_anew(schema: Schema, tables: impl Iterator<Item = (u32, i64)>) -> String {
    // Several tables of a sync may be one and the same.
    let tables: BTreeMap<u32, i64> = tables.collect();
    let oids: Vec<String> = tables.keys().map(u32::to_string).collect();
    let oids = format!("'{{{}}}'::oid[]", oids.join(","));
    format!(
        "(select count(*) from {schema}.bucardo_delta_names n where n.since is not null and n.retired is null \
         and n.tablename = any ({oids}) and n.since < $1 and n.since <> all ($2)) \
         + (select count(*) from {schema}.bucardo_gap g where g.tablename = any ({oids})) <> {}",
        tables.values().sum::<i64>()
    )
}

/// What is not captured, of a consumer's tables: for each what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The table.
    pub table: String,
    /// Since when.
    pub since: String,
    /// Why.
    pub reason: String,
}

/// The gaps that matter to these consumers of a sync.
pub fn gaps(conn: &mut Connection, sync: &str, targets: &[String]) -> Result<Vec<Gap>> {
    let rows = conn.query(&*conn.ours(include_str!("../sql/gaps.sql")), &[&sync, &targets])?;
    Ok(rows.iter().map(|row| Gap { table: row.get(0), since: row.get(1), reason: row.get(2) }).collect())
}

/// The error that says so.
pub fn missing(database: &str, sync: &str, gaps: &[Gap]) -> Error {
    let one = |gap: &Gap| format!("table \"{}\" since {} ({})", gap.table, gap.since, gap.reason);
    let all: Vec<String> = gaps.iter().map(one).collect();
    let sentence = format!("Database \"{database}\": changes may be missing, as they were not captured: {}", all.join("; "));
    Error::new(Kind::Mismatch, sentence).hint(format!(
        "Validate the sync, then copy its tables: bucardo_ctl update sync {sync} onetimecopy=1, and bucardo_ctl reload {sync}"
    ))
}

/// How many gaps there are of each of these tables.
pub fn count_gaps(conn: &mut Connection, tables: &[u32]) -> Result<BTreeMap<u32, i64>> {
    let sql = "select tablename, count(*) from bucardo.bucardo_gap where tablename = any ($1) group by tablename";
    Ok(conn.query(&*conn.ours(sql), &[&tables])?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The captures of these tables, the oldest first.
pub fn read(conn: &mut Connection, tables: &[u32]) -> Result<BTreeMap<u32, Vec<Recorded>>> {
    let mut all: BTreeMap<u32, Vec<Recorded>> = BTreeMap::new();
    let there = "select to_regclass('bucardo.bucardo_delta_names') is not null, \
                 exists (select from pg_attribute where attrelid = to_regclass('bucardo.bucardo_delta_names') and attname = 'retired')";
    let there = conn.query_one(&*conn.ours(there), &[])?;
    if !there.get::<_, bool>(0) {
        return Ok(all);
    }
    if !there.get::<_, bool>(1) {
        let sentence = "The objects that capture changes were made by an earlier version";
        return Err(Error::new(Kind::Mismatch, sentence).hint("Run: bucardo_ctl validate all"));
    }
    for row in conn.query(&*conn.ours(include_str!("../sql/captures.sql")), &[&tables])? {
        all.entry(row.get(0)).or_default().push(recorded(conn.schema(), &row)?);
    }
    Ok(all)
}

/// What is recorded there may have been written by others, and goes into statements.
fn recorded(schema: Schema, row: &postgres::Row) -> Result<Recorded> {
    let (names, then): (Vec<String>, Vec<String>) = (row.get(2), row.get(3));
    let texts = |at: usize| row.get::<_, Option<Vec<String>>>(at).unwrap_or_default();
    let (equals, types, families) = (texts(4), texts(6), texts(8));
    let numbers = row.get::<_, Option<Vec<i16>>>(7);
    let outdated = numbers.is_none();
    let numbers = numbers.unwrap_or_default();
    let columns = names.into_iter().enumerate().map(|(at, name)| -> Result<KeyColumn> {
        let text = |of: &Vec<String>| of.get(at).cloned().unwrap_or_default();
        let stored = text(&types);
        let (stored, collation) = match stored.split_once(" collate ") {
            Some((stored, collation)) => (stored.to_owned(), Some(collation.to_owned())),
            None => (stored, None),
        };
        let equals = equals.get(at).cloned().unwrap_or_else(|| "operator(pg_catalog.=)".to_owned());
        Ok(KeyColumn {
            name,
            number: numbers.get(at).copied().unwrap_or_default(),
            stored: if stored.is_empty() { stored } else { catalog_text::type_name(stored)? },
            collation: collation.map(catalog_text::collation).transpose()?,
            family: text(&families),
            equals: catalog_text::operator(equals)?,
        })
    });
    let capture = Capture {
        table: row.get(0),
        names: Names::recorded(schema, row.get::<_, String>(1)),
        columns: columns.collect::<Result<_>>()?,
        exact: row.get(5),
    };
    Ok(Recorded { columns: then.len(), capture, since: row.get(9), outdated })
}
