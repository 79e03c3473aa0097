//! Partitions that left a table with their rows, on a source or a target. Whether other members still have these rows is asked with the partition's
//! own constraint.

use crate::control::departed_rows::{self, Departed};
use crate::control::gap::Place;
use crate::error::{Kind, Result};
use crate::pg::{Connection, Relation};

/// A table on a source and on one of its targets.
pub struct Pair<'a> {
    /// The source's session.
    pub source: &'a mut Connection,
    /// The target's session.
    pub target: &'a mut Connection,
    /// The table on the source.
    pub from: &'a Relation,
    /// The table on the target.
    pub to: &'a Relation,
}

impl Pair<'_> {
    /// Whether one of both has rows of the condition, and the other none.
    pub fn differs(&mut self, condition: &str) -> Result<bool> {
        Ok(has_rows(self.source, self.from, condition, false)? != has_rows(self.target, self.to, condition, true)?)
    }
}

/// Rows that some member has and another has not are a gap, and else forgotten. What has just left is noted only; `at_once`, it is a gap as well.
pub fn settle(
    control: &mut Connection,
    place: Place,
    departed: &Departed,
    table: &Relation,
    differs: bool,
    at_once: bool,
) -> Result<()> {
    match differs {
        false => departed_rows::forget(control, place, departed),
        true if departed.is_ripe || at_once => departed_rows::missed(control, place, departed.goat, &table.label()),
        true => Ok(()),
    }
}

/// Where the condition means nothing, as that of a partition by hash does on another table, the answer is `unknown`.
fn has_rows(conn: &mut Connection, table: &Relation, condition: &str, unknown: bool) -> Result<bool> {
    let sql = format!("select exists (select from {table} where {condition})");
    match conn.within("begin", |conn| Ok(conn.query_one(&sql, &[])?.get(0))) {
        Err(error) if matches!(error.kind(), Kind::Database | Kind::Denied | Kind::NotFound) => Ok(unknown),
        answer => answer,
    }
}
