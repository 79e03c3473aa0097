//! Whose objects are on a replicated database. Two control databases that use one database would share flags, receipts and delta tables whenever their
//! syncs have the same names, and each would give up or remove what the other needs. So the first one marks what it makes, and
//! the second is refused.

use crate::error::{Error, Kind, Result};
use crate::pg::Connection;

/// An installation: a control database, wherever it is moved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    id: String,
    /// Where it is, for people.
    control: String,
}

impl Installation {
    /// The one of this control database; none if that was not upgraded yet.
    pub fn of(control: &mut Connection) -> Result<Option<Installation>> {
        if !exists(control, "bucardo.installation")? {
            return Ok(None);
        }
        let sql = "select id, format('\"%s\", port %s', current_database(), coalesce(inet_server_port()::text, current_setting('port'))) \
                   from bucardo.installation";
        let row = control.query_opt(sql, &[])?;
        let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
        Ok(row.map(|row| Installation { id: row.get(0), control: format!("{} (reached from {host})", row.get::<_, String>(1)) }))
    }

    /// Whether what is on a database is ours, or nobody's.
    pub fn owns(&self, conn: &mut Connection) -> Result<bool> {
        Ok(self.other(conn)?.is_none())
    }

    /// Refuses a database that belongs to another installation.
    pub fn check(&self, conn: &mut Connection, database: &str) -> Result<()> {
        let Some(other) = self.other(conn)? else { return Ok(()) };
        let sentence = format!("Database \"{database}\" is replicated by another installation already: control database {other}");
        Err(Error::new(Kind::Refused, sentence).hint(
            "Let one control database have all syncs of it. If the other one is gone, run on this database: DROP SCHEMA bucardo CASCADE;",
        ))
    }

    fn other(&self, conn: &mut Connection) -> Result<Option<String>> {
        if !exists(conn, "bucardo.bucardo_installation")? {
            return Ok(None);
        }
        let row = conn.query_opt("select control from bucardo.bucardo_installation where id <> $1", &[&self.id])?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Marks a database, where our schema is.
    pub fn mark(&self, conn: &mut Connection) -> Result<()> {
        conn.batch(include_str!("../../schema/replicated/bucardo_installation.sql"))?;
        let sql = "insert into bucardo.bucardo_installation (id, control) select $1, $2 \
                   where not exists (select from bucardo.bucardo_installation)";
        conn.execute(sql, &[&self.id, &self.control])?;
        Ok(())
    }
}

fn exists(conn: &mut Connection, table: &str) -> Result<bool> {
    Ok(conn.query_one("select to_regclass($1::text) is not null", &[&table])?.get(0))
}
