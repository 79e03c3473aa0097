//! The replicated databases as `add` needs them: opening one by its local name, and recording how that went.

use crate::control::db;
use crate::error::{Error, Result};
use crate::pg::{ConnInfo, Connection};

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
    Ok(Remote { dsn: dsn(&info), connection })
}

fn unreachable(error: Error, name: &str) -> Error {
    let error = error.context(format!("Cannot connect to database \"{name}\""));
    match error.hint_text() {
        Some(_) => error,
        None => error.hint(format!("`list db {name}` shows how it is reached: start that server, or correct the entry")),
    }
}

/// Tries to connect and records the outcome in `bucardo.db_connlog`, as the original's trigger did. A failure is given back, not raised.
pub fn try_out(control: &mut Connection, name: &str) -> Result<Option<Error>> {
    let known = db::conninfo(control, name);
    let address = known.as_ref().map_or_else(|_| String::new(), |info| format!("{} user={}", dsn(info), info.user));
    let opened = known.and_then(|info| Connection::open(&info.named("bucardo_ctl")));
    let (status, version) = match &opened {
        Ok(connection) => ("good", Some(connection.version().to_string())),
        Err(_) => ("unknown", None),
    };
    let sql = "insert into bucardo.db_connlog (db, connstring, status, version) values ($1, $2, $3, $4)";
    control.execute(sql, &[&name, &address, &status, &version])?;
    Ok(opened.err().map(|error| unreachable(error, name)))
}

fn dsn(info: &ConnInfo) -> String {
    let host = if info.host.is_empty() { String::new() } else { format!(";host={}", info.host) };
    format!("dbi:Pg:dbname={}{host};port={}", info.dbname, info.port)
}
