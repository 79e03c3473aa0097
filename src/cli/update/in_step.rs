//! A status or a name of a sync that was changed: the running daemon does what the row says from
//! now on, and the command waits for that.

use super::columns::Assignment;
use super::find;
use crate::cli::noun::Noun;
use crate::cli::{Session, activate, presence, standstill};
use crate::error::Result;
use crate::pg::{Connection, conninfo};
use crate::warn_user;

/// Seconds in which the daemon does it.
const LIMIT: u64 = 10;

/// What is about to be changed, as it is before.
pub struct Change {
    /// The syncs, and whether the daemon runs each.
    syncs: Vec<(String, bool)>,
    status: Option<String>,
    name: Option<String>,
}

impl Change {
    /// None, if nothing that concerns the daemon is changed, or no daemon runs.
    pub fn about(session: &mut Session, noun: Noun, name: &str, given: &[Assignment]) -> Result<Option<Change>> {
        let value = |column: &str| given.iter().rev().find(|one| one.column() == column).map(Assignment::value);
        let (status, new) = (value("status"), value("name"));
        let concerns = noun == Noun::Sync && (status.is_some() || new.is_some()) && !session.rehearses();
        if !concerns || presence::absent(session)?.is_some() {
            return Ok(None);
        }
        // One that does not exist is refused in a moment.
        let Ok(things) = find::things(&mut session.control, noun, name) else { return Ok(None) };
        let mut syncs = Vec::new();
        for thing in things {
            let runs = runs(&mut session.control, &thing.key)?;
            syncs.push((thing.key, runs));
        }
        Ok(Some(Change { syncs, status, name: new }))
    }

    /// Sees to it that the daemon does what the rows say.
    pub fn follow(self, session: &mut Session) -> Result<()> {
        for (old, ran) in &self.syncs {
            let name = self.name.as_ref().unwrap_or(old);
            if self.status.as_deref() != Some("inactive") && is_paused(session, name)? {
                // A new status or name lifts no pause, and the daemon follows the row by itself.
                standstill::tell(session, name)?;
                continue;
            }
            match self.status.as_deref() {
                Some("active") => drop(activate::request(session, "activate", name, LIMIT)?),
                Some(_) => drop(activate::request(session, "deactivate", name, LIMIT)?),
                None if *ran && name != old => drop(activate::request(session, "activate", name, LIMIT)?),
                None => {}
            }
            if self.status.is_none() && !ran && name != old {
                warn_user!(
                    "Note: sync \"{old}\" was not running; to start it under its new name, run: {} activate {name}",
                    session.prog
                );
            }
        }
        Ok(())
    }
}

fn is_paused(session: &mut Session, sync: &str) -> Result<bool> {
    let sql = "select exists (select from bucardo.sync_state where sync = $1 and paused is not null)";
    Ok(session.control.query_one(sql, &[&sync])?.get(0))
}

/// Whether the sync has a controller, by its session here.
fn runs(control: &mut Connection, sync: &str) -> Result<bool> {
    let session = conninfo::application_name(&format!("bucardo ctl {sync} control"));
    let sql = "select exists (select from pg_catalog.pg_stat_activity \
               where datname = current_database() and application_name = $1)";
    Ok(control.query_one(sql, &[&session])?.get(0))
}
