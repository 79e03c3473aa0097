//! Partitions that left a table with their rows, on a source or a target: whether they are back,
//! and whether other members still have them. There, only names are compared, and whether a
//! partition has a file without rows. What holds for a partition's rows is an expression of its
//! owner, which is not evaluated with our role's rights.

use crate::control::departed_partition::Departed;
use crate::error::Result;
use crate::pg::{Connection, Relation};

/// Whether a table has the partition again, and not another one of its name.
pub fn is_back(conn: &mut Connection, table: &Relation, departed: &Departed) -> Result<bool> {
    ask(conn, table, departed, 0)
}

/// Whether a table of another member may hold rows of the partition. One without partitions may.
pub fn may_have(conn: &mut Connection, table: &Relation, departed: &Departed) -> Result<bool> {
    ask(conn, table, departed, 1)
}

fn ask(conn: &mut Connection, table: &Relation, departed: &Departed, answer: usize) -> Result<bool> {
    let statement = conn.prepare_cached(include_str!("../sql/has_partition.sql"))?;
    let (schema, name) = (table.schema.raw(), table.name.raw());
    Ok(conn.query_one(&statement, &[&schema, &name, &departed.partition, &departed.relation])?.get(answer))
}
