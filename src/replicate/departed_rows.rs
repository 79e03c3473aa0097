//! Partitions that left a source with their rows. Whether the targets still have these rows is asked with the partition's own constraint.

use crate::control::departed_rows::{self, Departed};
use crate::control::gap::Place;
use crate::error::{Kind, Result};
use crate::pg::{Connection, Relation};

/// A table on a source and one of its targets.
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

/// Looks whether the target has rows that left the source: then that is a gap, and if not, it is forgotten. What has just left is noted only;
/// `at_once`, it is a gap as well.
pub fn settle(control: &mut Connection, place: Place, departed: &Departed, pair: Pair, at_once: bool) -> Result<()> {
    let Pair { source, target, from, to } = pair;
    if !has_rows(target, to, &departed.condition, true)? || has_rows(source, from, &departed.condition, false)? {
        return departed_rows::forget(control, place, departed);
    }
    if departed.is_ripe || at_once {
        departed_rows::missed(control, place, departed.goat, &from.label())?;
    }
    Ok(())
}

/// Where the condition means nothing, as that of a partition by hash does on another table, the answer is `unknown`.
fn has_rows(conn: &mut Connection, table: &Relation, condition: &str, unknown: bool) -> Result<bool> {
    let sql = format!("select exists (select from {table} where {condition})");
    match conn.within("begin", |conn| Ok(conn.query_one(&sql, &[])?.get(0))) {
        Err(error) if matches!(error.kind(), Kind::Database | Kind::Denied | Kind::NotFound) => Ok(unknown),
        answer => answer,
    }
}
