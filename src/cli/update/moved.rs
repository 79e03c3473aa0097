//! A database that is reached in another way: the running daemon keeps the sessions that it has.

use super::columns::Assignment;
use super::find;
use crate::cli::noun::Noun;
use crate::cli::{Session, presence};
use crate::error::Result;
use crate::replicate::sync::accept;
use crate::{say, warn_user};

/// The columns of `db` that say where it is and how it is reached.
const WAY: [&str; 8] = ["dbhost", "dbport", "dbname", "dbuser", "dbpass", "dbconn", "dbservice", "pgpass"];

/// Whether that is changed.
pub fn is_moved(noun: Noun, given: &[Assignment]) -> bool {
    noun == Noun::Db && given.iter().any(|one| WAY.contains(&one.column()))
}

/// Lets databases go on that were halted only because they were looked for elsewhere, and names the
/// command that lets the running daemon go there.
pub fn follow(session: &mut Session, name: &str) -> Result<()> {
    if session.rehearses() {
        return Ok(());
    }
    for thing in find::things(&mut session.control, Noun::Db, name)? {
        // One that is out of reach today stays halted.
        if accept::is_found_again(&mut session.control, &thing.key).unwrap_or(false) {
            say!("Database \"{}\" is the one that was validated, and is halted no more", thing.label);
        }
    }
    tell(session, name)
}

fn tell(session: &mut Session, name: &str) -> Result<()> {
    if presence::absent(session)?.is_some() {
        return Ok(());
    }
    let sql = "select distinct p.sync from bucardo.place p join bucardo.sync s on s.name = p.sync \
               where p.db = $1 and s.status = 'active' order by 1";
    for thing in find::things(&mut session.control, Noun::Db, name)? {
        let syncs: Vec<String> = session.control.query(sql, &[&thing.key])?.iter().map(|row| row.get(0)).collect();
        if !syncs.is_empty() {
            let (label, prog) = (&thing.label, &session.prog);
            warn_user!(
                "Note: the running daemon goes on where database \"{label}\" was until: {prog} reload {}",
                syncs.join(" ")
            );
        }
    }
    Ok(())
}
