//! The schema with our objects on a replicated database: what of it is there, whose it is, and
//! which process may change it.

mod lock;
pub mod ownership;

use crate::error::Result;
use crate::pg::Connection;

/// Does something with our objects on a database while no other process makes or removes any there
/// ([`lock`]). One database at a time: a deadlock across databases would not be noticed. The schema
/// is there meanwhile, and ours.
pub fn alone<T>(conn: &mut Connection, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
    let taken = lock::take(conn)?;
    let outcome = work(conn);
    // What failed may have left its transaction open. A session that is gone has lost its lock as
    // well.
    if taken && lock::release(conn).is_err() {
        let _ = conn.batch("rollback").and_then(|()| lock::release(conn));
    }
    outcome
}

/// Whether the schema is there.
pub(in crate::replicate) fn exists(conn: &mut Connection) -> Result<bool> {
    Ok(conn.query_one(&*conn.ours("select to_regnamespace('bucardo') is not null"), &[])?.get(0))
}

/// Whether a table of ours is there.
pub(in crate::replicate) fn has_table(conn: &mut Connection, name: &str) -> Result<bool> {
    let relation = conn.schema().relation(name).to_string();
    Ok(conn.query_one("select to_regclass($1::text) is not null", &[&relation])?.get(0))
}
