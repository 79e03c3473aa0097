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

/// The syncs that go to another database from now on, by their names, and that database.
pub fn new_targets(session: &mut Session, noun: Noun, name: &str, given: &[Assignment]) -> Result<Vec<[String; 2]>> {
    let target = given.iter().find(|one| noun == Noun::Sync && one.column() == "targetdb").map(Assignment::value);
    let Some(target) = target.filter(|target| !target.is_empty() && target != "none") else { return Ok(Vec::new()) };
    let sql = "select exists (select from bucardo.place where sync = $1) \
               and not exists (select from bucardo.place where sync = $1 and db = $2 and side = 'target')";
    let mut new = Vec::new();
    for thing in find::things(&mut session.control, noun, name)? {
        if session.control.query_one(sql, &[&thing.key, &target])?.get(0) {
            new.push([thing.label, target.clone()]);
        }
    }
    Ok(new)
}

/// What their sources have already comes there only by a copy.
pub fn tell_of_copies(session: &Session, new: &[[String; 2]]) {
    let prog = &session.prog;
    for [sync, target] in new {
        warn_user!(
            "Note: rows that sync \"{sync}\" has carried already come to database \"{target}\" by a copy only: \
             {prog} update sync {sync} onetimecopy=1"
        );
    }
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
