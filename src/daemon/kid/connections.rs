//! Connections that are left to applications.

use crate::daemon::process::role::Role;
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;

/// Gives up when a server has fewer than `reserve` connections left, at most a quarter of all: unless no other kid is there, for somebody
/// must be able to work.
pub(super) fn refuse_the_last(conn: &mut Connection, role: &Role, reserve: i64) -> Result<()> {
    let own = role.application_name("");
    let row = conn.query_one(include_str!("connections.sql"), &[&own.trim_end()])?;
    let (all, left, others): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let reserve = reserve.min(all / 4);
    if left >= reserve || others == 0 {
        return Ok(());
    }
    Err(Error::new(
        Kind::Crowded,
        format!(
            "the server has {left} of its {all} connections left, and {reserve} are left to applications (reserve_connections)"
        ),
    )
    .hint("Raise max_connections on the server, or let fewer syncs stay connected (kidsalive=off)."))
}
