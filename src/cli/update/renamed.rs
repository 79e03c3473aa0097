//! A database that gets another name: records of its syncs on the replicated databases have the old
//! one, and get the new one while nothing runs for the syncs.

use super::columns::Assignment;
use super::find;
use crate::cli::noun::Noun;
use crate::cli::{Session, presence, refusal};
use crate::control::db;
use crate::error::Result;
use crate::replicate::identity::installation;
use crate::warn_user;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long the running daemon may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Refuses a new name while a database with such records is away: no sync of that database would
/// run until it is back.
pub fn refuse_if_away(session: &mut Session, noun: Noun, name: &str, given: &[Assignment]) -> Result<()> {
    if noun != Noun::Db || !given.iter().any(|one| one.column() == "name") || session.rehearses() {
        return Ok(());
    }
    let sql = include_str!("holders.sql");
    for thing in find::things(&mut session.control, noun, name)? {
        for row in session.control.query(sql, &[&thing.key])? {
            let (holder, sync): (String, String) = (row.get(0), row.get(1));
            let info = db::conninfo(&mut session.control, &holder)?.named(format!("bucardo update {holder}"));
            if let Err(error) = installation::open(&mut session.control, &holder, &info) {
                let sentence = format!(
                    "database \"{}\" cannot get another name now: records of sync \"{sync}\" have it on database \"{holder}\", \
                     which cannot be reached",
                    thing.label
                );
                return Err(refusal::refused(format!("{sentence}: {error}"), "Try again when that database is there."));
            }
        }
    }
    Ok(())
}

/// Waits until the running daemon has changed the records. Without a daemon, the next one does it,
/// or `validate`.
pub fn follow(session: &mut Session, noun: Noun) -> Result<()> {
    if noun != Noun::Db || session.rehearses() || presence::absent(session)?.is_some() {
        return Ok(());
    }
    let end = Instant::now() + LIMIT;
    let sql = "select f.sync from bucardo.former_name f join bucardo.db d on d.name = f.holder \
               where d.status = 'active' order by 1 limit 1";
    while let Some(row) = session.control.query_opt(sql, &[])? {
        if Instant::now() > end {
            let sync: String = row.get(0);
            warn_user!("Note: records of sync \"{sync}\" have the old name still; `{} status {sync}` tells why", session.prog);
            return Ok(());
        }
        sleep(LOOK);
    }
    Ok(())
}
