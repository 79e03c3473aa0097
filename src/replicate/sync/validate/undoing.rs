//! A sync that is made for the first time, or gets another name, and cannot be made as a whole
//! leaves nothing behind. The command's transaction in the control database is rolled back, so that
//! nothing there tells where objects of the sync are.

use super::{Members, receives};
use crate::error::{Error, Result};
use crate::pg::Connection;
use crate::replicate::capture::install;
use crate::replicate::identity::installation;
use crate::replicate::own_schema::has_table;

impl Members<'_> {
    /// Whether no member has anything of the sync yet.
    pub(super) fn have_nothing(&mut self) -> Result<bool> {
        let name = &self.sync.name;
        for conn in &mut self.conns {
            if mentions(conn, "bucardo_delta_targets", name)? || mentions(conn, "bucardo_track", name)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes what was made; the error says where that was not possible.
    pub(super) fn undo(&mut self, error: Error) -> Error {
        let (name, masters) = (&self.sync.name, self.masters);
        let mut left = Vec::new();
        for (number, conn) in self.conns.iter_mut().enumerate() {
            let source = number < masters;
            // What failed may have left its transaction open.
            let ended = conn.batch("rollback");
            if ended.is_err() || remove(conn, name, source, receives(number, masters)).is_err() {
                left.push(format!("\"{}\"", self.names[number]));
            }
        }
        match left.is_empty() {
            true => error,
            false => error.context(format!("objects of sync \"{name}\" are left on database {}", left.join(", "))),
        }
    }
}

/// Nothing where the schema is not marked as ours: another installation may have made it meanwhile.
fn remove(conn: &mut Connection, sync: &str, source: bool, receiver: bool) -> Result<()> {
    if !installation::is_marked(conn)? {
        return Ok(());
    }
    if source {
        install::unregister(conn, sync)?;
    }
    if receiver { install::forget_receipts(conn, sync) } else { Ok(()) }
}

fn mentions(conn: &mut Connection, table: &str, sync: &str) -> Result<bool> {
    if !has_table(conn, table)? {
        return Ok(false);
    }
    let sql = format!("select exists (select from {} where sync = $1)", conn.schema().relation(table));
    Ok(conn.query_one(&sql, &[&sync])?.get(0))
}
