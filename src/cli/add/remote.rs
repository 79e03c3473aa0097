//! The replicated databases as `add` needs them: opening one by its local name, and recording how
//! that went.

use crate::control::db;
use crate::error::{Error, Result};
use crate::pg::Connection;

/// A replicated database, open.
pub struct Remote {
    /// Its address as the original prints it, without a password.
    pub dsn: String,
    /// The session.
    pub connection: Connection,
}

/// Opens the database called `name` in the control database.
pub fn open(control: &mut Connection, name: &str) -> Result<Remote> {
    let info = db::conninfo(control, name)?.named("bucardo_ctl");
    let connection = Connection::open_replicated(&info).map_err(|error| unreachable(error, name))?;
    Ok(Remote { dsn: db::dsn(&info), connection })
}

fn unreachable(error: Error, name: &str) -> Error {
    let error = error.context(format!("Cannot connect to database \"{name}\""));
    match error.hint_text() {
        Some(_) => error,
        None => error.hint(format!("`list db {name}` shows how it is reached: start that server, or correct the entry")),
    }
}

/// Tries to connect and records the outcome. A failure is given back, not raised.
pub fn try_out(control: &mut Connection, name: &str) -> Result<Option<Error>> {
    Ok(db::try_out(control, name, "bucardo_ctl")?.map(|error| unreachable(error, name)))
}
