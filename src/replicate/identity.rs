//! Which database this is: the server and the database themselves, and the row by which our objects
//! remember where they were made.
//!
//! Whatever takes our objects along (a dump, a template, pg_upgrade) takes that row along as well,
//! and there it does not fit. Such objects are a *copy*: the transaction ids in them are those of
//! another database, and nothing of them may be taken for this one's own.

pub mod installation;
pub mod lineage;
pub mod neighbours;

use crate::control::identity::{self as known, Finding, Halt};
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::replicate::own_schema::{self, has_table};
use postgres::error::SqlState;

/// The database itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actual {
    /// The server's system identifier, where the role may read it.
    pub system: Option<String>,
    /// The database's oid.
    pub dboid: u32,
    /// The server's timeline.
    pub timeline: String,
    /// When the server started.
    pub started: String,
    /// How far its WAL is.
    pub wal: String,
    /// The first transaction id that has not been given out.
    pub xmax: i64,
}

/// What our objects remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The server's system identifier, where the role could read it.
    pub system: Option<String>,
    /// The database's oid.
    pub dboid: u32,
    /// Its life.
    pub life: String,
}

/// What a database is to a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Changes come from it.
    Source,
    /// Rows go to it.
    Receiver,
}

impl Actual {
    /// Asks the server.
    pub fn read(conn: &mut Connection) -> Result<Actual> {
        let may = "select has_function_privilege('pg_catalog.pg_control_system()', 'execute')";
        let system = match conn.query_one(may, &[])?.get(0) {
            true => "(select system_identifier::text from pg_control_system())",
            false => "null::text",
        };
        let row = conn.query_one(
            &format!(
                "select {system}, (select oid from pg_database where datname = current_database()), \
                 left(pg_walfile_name(pg_current_wal_insert_lsn()), 8), pg_postmaster_start_time()::text, \
                 pg_current_wal_insert_lsn()::text, txid_snapshot_xmax(txid_current_snapshot())"
            ),
            &[],
        )?;
        let (system, dboid, timeline) = (row.get(0), row.get(1), row.get(2));
        Ok(Actual { system, dboid, timeline, started: row.get(3), wal: row.get(4), xmax: row.get(5) })
    }
}

impl Recorded {
    /// Reads the row; none where there is no such row (yet).
    pub fn read(conn: &mut Connection) -> Result<Option<Recorded>> {
        if !has_table(conn, "bucardo_identity")? {
            return Ok(None);
        }
        let sql = conn.ours("select system_identifier, dboid, life from bucardo.bucardo_identity").into_owned();
        let row = match conn.query_opt(&sql, &[]) {
            // It was removed in the meantime, with the last object in the schema.
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => None,
            row => row?,
        };
        Ok(row.map(|row| Recorded { system: row.get(0), dboid: row.get(1), life: row.get(2) }))
    }

    /// Whether it was made in this very database. A server that does not tell who it is is known by
    /// its database only.
    pub fn fits(&self, actual: &Actual) -> bool {
        let same_system = self.system.is_none() || actual.system.is_none() || self.system == actual.system;
        self.dboid == actual.dboid && same_system
    }
}

/// A random word.
const NEW_LIFE: &str = "md5(random()::text || clock_timestamp()::text || pg_backend_pid()::text)";

/// Makes the tables and, if there is none, the row. To be called [`own_schema::alone`].
pub fn install(conn: &mut Connection) -> Result<()> {
    conn.batch(&conn.ours(include_str!("../../schema/replicated/bucardo_identity.sql")))?;
    if Recorded::read(conn)?.is_none() {
        write(conn, "on conflict (one) do nothing")?;
    }
    Ok(())
}

/// A new life begins, in this database.
pub fn renew(conn: &mut Connection) -> Result<()> {
    write(
        conn,
        "on conflict (one) do update set system_identifier = excluded.system_identifier, dboid = excluded.dboid, \
         life = excluded.life, cdate = now()",
    )
}

fn write(conn: &mut Connection, conflict: &str) -> Result<()> {
    let actual = Actual::read(conn)?;
    let ours = conn.schema();
    let sql =
        format!("insert into {ours}.bucardo_identity (system_identifier, dboid, life) values ($1, $2, {NEW_LIFE}) {conflict}");
    conn.execute(&sql, &[&actual.system, &actual.dboid])?;
    Ok(())
}

/// Makes sure that a session is on the very database in which our objects were made, and that they
/// are there and as this version wants them. If not, that is noted in the control database, where
/// it stays until somebody has answered.
pub fn ensure(control: &mut Connection, db: &str, side: Side, conn: &mut Connection) -> Result<()> {
    let table = match side {
        Side::Source => "bucardo_delta_targets",
        Side::Receiver => "bucardo_track",
    };
    match (Recorded::read(conn)?, has_table(conn, table)?) {
        (Some(recorded), _) if !recorded.fits(&Actual::read(conn)?) => Err(known::halt(control, copy(db))?),
        (Some(_), true) => bring_up_to_date(conn, side),
        (None, true) => {
            own_schema::alone(conn, |conn| installation::mark(conn).and_then(|()| install(conn)))?;
            bring_up_to_date(conn, side)
        }
        (None, false) if known::has_had_objects(control, db)? && Recorded::read(conn)?.is_none() => {
            Err(known::halt(control, lost(db))?)
        }
        (_, false) => {
            Err(Error::new(Kind::Mismatch, format!("database \"{db}\" was not validated yet"))
                .hint("Run: bucardo_ctl validate all"))
        }
    }
}

/// What an earlier version made lacks columns.
fn bring_up_to_date(conn: &mut Connection, side: Side) -> Result<()> {
    let (table, column, sql) = match side {
        Side::Source => ("bucardo_delta_targets", "reclaimed", include_str!("../../schema/replicated/bucardo_marks.sql")),
        Side::Receiver => ("bucardo_track", "accepted", include_str!("../../schema/replicated/bucardo_track_marks.sql")),
    };
    let there =
        "select exists (select from pg_attribute where attrelid = $1::text::regclass and attname = $2 and not attisdropped)";
    let table = conn.schema().relation(table).to_string();
    match conn.query_one(there, &[&table, &column])?.get(0) {
        true => Ok(()),
        false => own_schema::alone(conn, |conn| conn.batch(&conn.ours(sql))),
    }
}

/// What is said of a copy.
pub(in crate::replicate) fn copy(db: &str) -> Halt {
    let reason = format!(
        "database \"{db}\" is not the one that was validated: what the replicator keeps there was made in another database \
         (it was restored from a dump, made from a template, or upgraded with pg_upgrade)"
    );
    Halt { db: db.to_owned(), finding: Finding::Copy, reason, met: None }
}

/// What is said where our objects are gone.
pub(in crate::replicate) fn lost(db: &str) -> Halt {
    let reason = format!(
        "database \"{db}\" is not the one that was validated: what the replicator keeps there, in schema bucardo, is gone \
         (it was made anew, or restored without that schema)"
    );
    Halt { db: db.to_owned(), finding: Finding::Lost, reason, met: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_fit_the_database_in_which_they_were_made() {
        let actual = |system: Option<&str>, dboid| Actual {
            system: system.map(str::to_owned),
            dboid,
            timeline: "00000001".to_owned(),
            started: String::new(),
            wal: "0/0".to_owned(),
            xmax: 3,
        };
        let recorded = |system: Option<&str>| Recorded { system: system.map(str::to_owned), dboid: 5, life: String::new() };
        assert!(recorded(Some("7")).fits(&actual(Some("7"), 5)));
        assert!(!recorded(Some("7")).fits(&actual(Some("8"), 5)) && !recorded(Some("7")).fits(&actual(Some("7"), 6)));
        assert!(recorded(None).fits(&actual(Some("7"), 5)) && recorded(Some("7")).fits(&actual(None, 5)));
        assert!(!recorded(None).fits(&actual(None, 6)));
    }
}
