//! Partitions that left a table with their rows, on a source or a target: whether other members
//! still have them. Only names are compared. What holds for a partition's rows is an expression of
//! its owner, which is not evaluated with our role's rights.

use crate::error::Result;
use crate::pg::{Connection, Relation};

/// Whether a table still has, or has again, the partition of this name.
pub fn is_back(conn: &mut Connection, table: &Relation, partition: &str) -> Result<bool> {
    Ok(has(conn, table, partition)? == Some(true))
}

/// Whether a table may hold the rows of the partition of this name. One without partitions may.
pub fn may_have(conn: &mut Connection, table: &Relation, partition: &str) -> Result<bool> {
    Ok(has(conn, table, partition)? != Some(false))
}

/// None for a table that has no partitions.
fn has(conn: &mut Connection, table: &Relation, partition: &str) -> Result<Option<bool>> {
    let statement = conn.prepare_cached(include_str!("../sql/has_partition.sql"))?;
    Ok(conn.query_one(&statement, &[&table.schema.raw(), &table.name.raw(), &partition])?.get(0))
}
