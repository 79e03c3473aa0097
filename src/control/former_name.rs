//! Names that databases had when records on the replicated databases were written (table
//! `former_name`).

use crate::control::sync::Sync;
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;

/// A database with another name than in records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// Its name.
    pub db: String,
    /// Its name in the records.
    pub former: String,
}

/// What records of a sync on database `holder` call otherwise.
pub fn on(control: &mut Connection, sync: &str, holder: &str) -> Result<Vec<Renamed>> {
    let sql = "select db, former from bucardo.former_name where sync = $1 and holder = $2 order by former";
    Ok(control.query(sql, &[&sync, &holder])?.iter().map(|row| Renamed { db: row.get(0), former: row.get(1) }).collect())
}

/// Whether records of a sync on any of its members call a database otherwise. Those on a target
/// that is not active wait until it is.
pub fn any(control: &mut Connection, sync: &Sync) -> Result<bool> {
    let sql = "select from bucardo.former_name where sync = $1 and holder = any ($2) limit 1";
    Ok(control.query_opt(sql, &[&sync.name, &sync.members()])?.is_some())
}

/// The records on `holder` have the present name.
pub fn settled(control: &mut Connection, sync: &str, holder: &str, renamed: &Renamed) -> Result<()> {
    let sql = "delete from bucardo.former_name where sync = $1 and holder = $2 and db = $3 and former = $4";
    control.execute(sql, &[&sync, &holder, &renamed.db, &renamed.former])?;
    Ok(())
}

/// Refuses to work with records that call a database otherwise.
pub fn refuse(control: &mut Connection, sync: &str, holders: &[String]) -> Result<()> {
    for holder in holders {
        if let Some(Renamed { db, former }) = on(control, sync, holder)?.first() {
            let sentence = format!("database \"{db}\" was \"{former}\" when sync \"{sync}\" was looked at");
            return Err(Error::new(Kind::Mismatch, sentence).hint(format!("Run: bucardo_ctl validate {sync}")));
        }
    }
    Ok(())
}
