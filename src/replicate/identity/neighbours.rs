//! Other installations on the same database. What each of them writes there is to the others what
//! any application writes, and has to be captured; but the sessions that write have triggers off.
//! So where another installation writes, our triggers fire always (as with capture=always), and
//! leave out only what we have written ourselves.
//!
//! Neither side relies on the other for that. An installation that captures asks whether another
//! writes before it makes its triggers, and one that writes asks whether the triggers of others see
//! that, before its first round and whenever a trigger of a table has changed. Both are asked after
//! the own objects are there, so that of two that come at once at least one sees the other.

use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Relation};
use crate::replicate::catalog::capture_triggers::ROW_TRIGGER;
use crate::replicate::identity::installation;

/// Another installation on a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    schema: String,
    /// Its id and its control database, where our role may read that.
    known: Option<(String, String)>,
    /// It has rows to write there.
    writes: bool,
}

/// The other installations on this database.
pub fn others(conn: &mut Connection) -> Result<Vec<Neighbour>> {
    let ours = conn.schema().to_string();
    let mut all = Vec::new();
    for row in conn.query(&installation::complete(include_str!("../sql/neighbours.sql")), &[&ours])? {
        let (schema, readable): (String, bool) = (row.get(0), row.get(1));
        let known = if readable { read(conn, &schema)? } else { None };
        all.push(Neighbour { schema, known, writes: row.get(2) });
    }
    Ok(all)
}

fn read(conn: &mut Connection, schema: &str) -> Result<Option<(String, String)>> {
    let sql = format!("select id, control from {}", Relation::new(schema, "bucardo_installation"));
    // Whatever it says is printed.
    let plain = |text: String| text.chars().filter(|letter| !letter.is_control()).take(200).collect();
    Ok(conn.query(&sql, &[])?.first().map(|row| (row.get(0), plain(row.get(1)))))
}

impl Neighbour {
    fn label(&self) -> String {
        match &self.known {
            Some((_, control)) => format!("another installation (control database {control}, schema {})", self.schema),
            None => format!("another installation (schema {})", self.schema),
        }
    }

    fn remove(&self, database: &str) -> String {
        format!("If that installation is gone, run on database \"{database}\": DROP SCHEMA {} CASCADE;", self.schema)
    }

    /// What a validation tells of it.
    pub fn note(&self, database: &str) -> String {
        format!("Database \"{database}\" is used by {}, too. {}", self.label(), self.remove(database))
    }

    /// Whether this is the one on another database, too.
    fn is(&self, other: &Neighbour) -> bool {
        match (&self.known, &other.known) {
            (Some((id, _)), Some((same, _))) => id == same,
            _ => self.schema == other.schema && self.schema.contains('_'),
        }
    }
}

/// Whether triggers have to fire always, because another installation writes on the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Always {
    /// None does.
    NotNeeded,
    /// They have to.
    Needed,
    /// They would have to, but only the owner of these tables can see to it. What is captured
    /// already is left as it is, and the other installation does not write there.
    OnlyByOwner(String),
}

impl Always {
    /// Asks it, for the triggers of these tables.
    pub fn of(conn: &mut Connection, tables: &[u32]) -> Result<Always> {
        if !others(conn)?.iter().any(|other| other.writes) {
            return Ok(Always::NotNeeded);
        }
        let trigger = conn.schema().trigger(ROW_TRIGGER);
        let row = conn.query_one(include_str!("../sql/owned.sql"), &[&tables, &trigger])?;
        Ok(match (row.get::<_, Option<String>>(0), row.get(1)) {
            (Some(tables), true) => Always::OnlyByOwner(tables),
            _ => Always::Needed,
        })
    }

    /// What a validation tells of it.
    pub fn note(&self) -> Option<String> {
        let Always::OnlyByOwner(tables) = self else { return None };
        Some(format!(
            "another installation wants to write here, and cannot until our triggers fire always on {tables}; only the owner can let them"
        ))
    }
}

/// Has the daemon validate a sync whose triggers have to fire always since another installation
/// came. Between rounds.
pub fn ask_for_validation(control: &mut Connection, sync: &str, source: &mut Connection) -> Result<()> {
    if !others(source)?.iter().any(|other| other.writes) {
        return Ok(());
    }
    let trigger = source.schema().trigger(ROW_TRIGGER);
    if source.query_one(&*source.ours(include_str!("../sql/narrow.sql")), &[&sync, &trigger])?.get(0) {
        control.execute("select bucardo.request_validation($1, false)", &[&sync])?;
    }
    Ok(())
}

/// Another installation that captures tables of ours.
struct Capturing {
    other: Neighbour,
    /// One such table.
    table: String,
    /// One where it does not see what this session writes.
    unseen: Option<String>,
}

fn capturing(conn: &mut Connection, tables: &[u32]) -> Result<Vec<Capturing>> {
    let others = others(conn)?;
    if others.is_empty() {
        return Ok(Vec::new());
    }
    let schemas: Vec<&str> = others.iter().map(|other| other.schema.as_str()).collect();
    let rows = conn.query(include_str!("../sql/capturing.sql"), &[&schemas, &tables])?;
    let one = |row: &postgres::Row| {
        let other = others.iter().find(|other| other.schema == row.get::<_, &str>(0))?.clone();
        Some(Capturing { other, table: row.get(1), unseen: row.get(2) })
    };
    Ok(rows.iter().filter_map(one).collect())
}

/// The error that says that another installation captures one of these tables and would not see
/// what this session writes there, if that is so. Only that installation may change its triggers,
/// because it takes note of every other change.
pub fn unseen(conn: &mut Connection, database: &str, tables: &[u32]) -> Result<Option<Error>> {
    let all = capturing(conn, tables)?;
    let Some((other, table)) = all.iter().find_map(|one| Some((&one.other, one.unseen.as_ref()?))) else { return Ok(None) };
    let sentence = format!(
        "Database \"{database}\": {} captures changes of table {table}, but not yet what replication writes there",
        other.label()
    );
    Ok(Some(Error::new(Kind::Mismatch, sentence).hint(format!(
        "Run with that control database: bucardo_ctl validate all; its daemon does it by itself after a while, and then this sync goes on. {}",
        other.remove(database)
    ))))
}

/// A database of a sync, with the ids of the sync's tables there.
pub struct Side<'a> {
    /// The session.
    pub conn: &'a mut Connection,
    /// Its name in the control database.
    pub name: &'a str,
    /// The tables.
    pub tables: &'a [u32],
}

/// What is to be said where changes that go from one database to another may come back by another
/// installation: no end of that is in sight.
pub fn circle(from: Side, to: Side) -> Result<Option<String>> {
    let back: Vec<Neighbour> = others(from.conn)?.into_iter().filter(|other| other.writes).collect();
    if back.is_empty() {
        return Ok(None);
    }
    let round = capturing(to.conn, to.tables)?.into_iter().find(|one| back.iter().any(|other| other.is(&one.other)));
    Ok(round.map(|one| {
        format!(
            "{} takes changes of table {} from database \"{}\" and writes on database \"{}\": what comes back there goes round for ever. Let one \
             installation have all syncs between these databases",
            one.other.label(),
            one.table,
            to.name,
            from.name
        )
    }))
}
