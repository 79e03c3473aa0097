//! What the control database knows of each database's identity: what it was when it was validated,
//! and whether it was found to be another one since. One that was found to be another one is
//! *halted* until a person has accepted it.

use crate::control::gap::GIVEN_UP;
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// A source lacks changes that it has given away.
    WentBack,
    /// A source may lack changes that it has given away.
    Unproven,
    /// A source is not the database that gave the receipt.
    Another,
    /// What the replicator keeps there was made in another database.
    Copy,
    /// What the replicator keeps there is gone.
    Lost,
    /// A target lacks changes that its source has given up.
    SetBack,
}

impl Finding {
    const ALL: [Finding; 6] =
        [Finding::WentBack, Finding::Unproven, Finding::Another, Finding::Copy, Finding::Lost, Finding::SetBack];

    /// The word that is stored.
    fn word(self) -> &'static str {
        match self {
            Finding::WentBack => "went back",
            Finding::Unproven => "unproven",
            Finding::Another => "another",
            Finding::Copy => "copy",
            Finding::Lost => "lost",
            Finding::SetBack => "set back",
        }
    }

    fn parse(word: &str) -> Result<Finding> {
        let found = Finding::ALL.into_iter().find(|finding| finding.word() == word);
        found.ok_or_else(|| Error::new(Kind::Mismatch, format!("unknown kind \"{word}\" in bucardo.db_identity")))
    }
}

/// A database that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Its name in the control database.
    pub db: String,
    /// What was found.
    pub finding: Finding,
    /// The sentence that says so.
    pub reason: String,
    /// The life that a receipt named, if it was found by a receipt.
    pub met: Option<String>,
}

impl Halt {
    /// The error for whoever wants to work with it.
    pub fn error(&self) -> Error {
        let db = &self.db;
        Error::new(Kind::Mismatch, self.reason.clone()).hint(format!(
            "Compare the tables, then run: bucardo_ctl accept {db}, to go on with database \"{db}\" as it is now; or: \
             bucardo_ctl accept {db} --copy, to copy the tables of its syncs again (see bucardo_ctl help accept)."
        ))
    }
}

/// Notes that a database is halted, and gives the error. What was noted first stays: it is what a
/// person has to answer.
pub fn halt(control: &mut Connection, halt: Halt) -> Result<Error> {
    let Halt { db, finding, reason, met } = &halt;
    control.execute(include_str!("sql/halt.sql"), &[db, &finding.word(), reason, met])?;
    Ok(halted(control, db)?.unwrap_or(halt).error())
}

/// What a database is halted for.
pub fn halted(control: &mut Connection, db: &str) -> Result<Option<Halt>> {
    let sql = "select kind, reason, met from bucardo.db_identity where db = $1 and halted is not null";
    let Some(row) = control.query_opt(sql, &[&db])? else { return Ok(None) };
    let finding = Finding::parse(row.get(0))?;
    Ok(Some(Halt { db: db.to_owned(), finding, reason: row.get(1), met: row.get(2) }))
}

/// Refuses to go on when one of these databases is halted.
pub fn refuse_halted(control: &mut Connection, names: &[String]) -> Result<()> {
    for name in names {
        if let Some(halt) = halted(control, name)? {
            return Err(halt.error());
        }
    }
    Ok(())
}

/// The life in which a database was last validated, if it ever was.
pub fn life(control: &mut Connection, db: &str) -> Result<Option<String>> {
    let row = control.query_opt("select life from bucardo.db_identity where db = $1", &[&db])?;
    Ok(row.and_then(|row| row.get(0)))
}

/// Whether a database was validated and had objects of ours. A session that is just
/// removing them is waited for.
pub fn has_had_objects(control: &mut Connection, db: &str) -> Result<bool> {
    control.query("select from bucardo.place where db = $1 order by sync, side for share", &[&db])?;
    Ok(life(control, db)?.is_some())
}

/// Whether a database is remembered as one that is this.
pub fn is_remembered(control: &mut Connection, db: &str, system: Option<&str>, dboid: u32, life: &str) -> Result<bool> {
    let sql = "select exists (select from bucardo.db_identity where db = $1 and dboid = $3 and life = $4 \
               and coalesce(system_identifier = $2, true))";
    Ok(control.query_one(sql, &[&db, &system, &dboid, &life])?.get(0))
}

/// Nothing halts a database any more.
pub fn release(control: &mut Connection, db: &str) -> Result<()> {
    let sql = "update bucardo.db_identity set halted = null, kind = null, reason = null, met = null where db = $1";
    control.execute(sql, &[&db])?;
    Ok(())
}

/// Forgets a database from which the last of our objects was removed.
pub fn forget(control: &mut Connection, db: &str) -> Result<()> {
    control.execute("delete from bucardo.db_identity where db = $1 and halted is null", &[&db])?;
    Ok(())
}

/// Forgets how the tables of a database were, and what was found missing of them since it is
/// halted: a person has looked at what they are. What was missing before is missing still, and what
/// was given up for syncs that have left them remains known.
pub fn forget_tables(control: &mut Connection, db: &str) -> Result<()> {
    control.execute("delete from bucardo.table_state where db = $1 and state <> $2", &[&db, &GIVEN_UP])?;
    control.execute("delete from bucardo.departed_partition where db = $1", &[&db])?;
    let sql = "delete from bucardo.gap g using bucardo.db_identity i where i.db = $1 and g.db = i.db and g.since >= i.halted";
    control.execute(sql, &[&db])?;
    Ok(())
}

/// Notes what a database is now, and that nothing halts it.
pub fn remember(control: &mut Connection, db: &str, system: Option<&str>, dboid: u32, life: &str) -> Result<()> {
    control.execute(include_str!("sql/remember_identity.sql"), &[&db, &system, &dboid, &life])?;
    Ok(())
}
