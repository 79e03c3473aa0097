//! The syncs as the control database has them.

use super::Listed;
use crate::cli::{Session, pidfile};
use crate::error::Result;

/// All syncs, by name. Reading them also removes what controllers of former syncs left behind in
/// piddir.
pub fn stored(session: &mut Session) -> Result<Vec<Listed>> {
    let rows = session.control.query(include_str!("stored.sql"), &[])?;
    let syncs: Vec<Listed> = rows
        .iter()
        .map(|row| Listed {
            name: row.get("name"),
            synctype: row.get("synctype"),
            status: row.get("status"),
            priority: row.get("priority"),
            targets: row.get("targets"),
        })
        .collect();
    let names: Vec<&str> = syncs.iter().map(|sync| sync.name.as_str()).collect();
    pidfile::tidy(session, &names)?;
    Ok(syncs)
}
