//! Which roles may come into the control database, and which of them may give orders to the daemon.
//!
//! An installed control database is closed: PUBLIC may neither connect nor make temporary tables
//! there. All who connect have been let in by the owner, and a NOTIFY of theirs is an order. Where
//! PUBLIC may connect, an order is one that comes on a private channel, or from a session whose
//! role could write the control schema.

use crate::control::private::ChannelSecret;
use crate::error::Result;
use crate::pg::Connection;
use std::collections::BTreeSet;

const IS_OPEN: &str = include_str!("sql/is_open.sql");
const MAY_CLOSE: &str = include_str!("sql/may_close.sql");
const MAY_ORDER: &str = include_str!("sql/may_order.sql");

/// Closes the control database. The roles that work with it as owner of the schema keep what PUBLIC
/// gave them.
pub const CLOSE: &str = include_str!("sql/close_control.sql");

/// Whether PUBLIC may connect to the control database, or make temporary tables there.
pub fn is_open(control: &mut Connection) -> Result<bool> {
    Ok(control.query_one(IS_OPEN, &[])?.get(0))
}

/// Whether the session's role can close the control database, and no application has tables there.
pub fn may_close(control: &mut Connection) -> Result<bool> {
    Ok(control.query_one(MAY_CLOSE, &[])?.get(0))
}

/// What to say where the control database is open.
pub fn complaint(control: &mut Connection) -> Result<Option<(String, String)>> {
    if !is_open(control)? {
        return Ok(None);
    }
    let row = control.query_one("select quote_ident(pg_catalog.current_database())", &[])?;
    let database: String = row.get(0);
    Ok(Some((
        format!("Warning: PUBLIC may connect to the control database {database}, or make temporary tables there"),
        format!(
            "Run, as the owner of the database: REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC; \
             and GRANT CONNECT to the roles that read it. `bucardo_ctl upgrade` does it where only Bucardo has tables there."
        ),
    )))
}

/// Of the sessions with these server processes, those that may give orders with a NOTIFY. One that
/// is gone may not, unless the database is closed.
pub fn may_order(control: &mut Connection, processes: &[i32]) -> Result<BTreeSet<i32>> {
    let rows = control.query(MAY_ORDER, &[&processes])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The secret by which a command talks to the daemon; none where it talks on the public channels.
pub fn secret_for_commands(control: &mut Connection) -> Result<Option<ChannelSecret>> {
    if is_open(control)? { ChannelSecret::read(control) } else { Ok(None) }
}
