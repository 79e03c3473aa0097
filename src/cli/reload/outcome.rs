//! What a reload came to: the daemon has looked at the databases of the sync and begun anew with
//! what fits.

use crate::cli::Session;
use crate::control::joining::{self, Joining};
use crate::error::Result;
use crate::replicate::notes;
use crate::replicate::sync::validate;
use crate::warn_user;

/// What it came to.
pub enum Outcome {
    /// The sync runs, with all its tables.
    Runs,
    /// It runs, but without these.
    RunsWithout(Vec<Joining>),
    /// It does not run, because of that.
    Fails(String),
    /// The daemon did not answer.
    Unanswered,
}

/// What the rows of the control database say, now that the daemon has answered.
pub fn of(session: &mut Session, sync: &str) -> Result<Outcome> {
    let sql = "select coalesce(ok, false), coalesce(outcome, '') from bucardo.validation where sync = $1";
    let (ok, outcome) = match session.control.query_opt(sql, &[&sync])? {
        Some(row) => (row.get(0), row.get(1)),
        None => (false, String::new()),
    };
    if !ok {
        return Ok(Outcome::Fails(if outcome.is_empty() { "it was not validated".to_owned() } else { outcome }));
    }
    // A look that was prevented leaves a good sync good; what prevented it will prevent its rounds,
    // too.
    if let Some(unseen) = notes::warnings(&outcome).into_iter().find(|warning| warning.starts_with(validate::UNSEEN)) {
        return Ok(Outcome::Fails(unseen));
    }
    let without = joining::of_sync(&mut session.control, sync)?;
    Ok(if without.is_empty() { Outcome::Runs } else { Outcome::RunsWithout(without) })
}

impl Outcome {
    /// The word at the end of the older dialect's line.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Runs => "DONE!",
            Outcome::RunsWithout(_) => "INCOMPLETE!",
            Outcome::Fails(_) => "FAILED!",
            Outcome::Unanswered => "",
        }
    }

    /// Says what is wrong; the exit code.
    pub fn tell(&self, session: &Session, sync: &str) -> u8 {
        match self {
            Outcome::Runs => return 0,
            Outcome::Unanswered => {}
            Outcome::RunsWithout(tables) => {
                tables.iter().for_each(|table| warn_user!("{table}"));
                warn_user!(
                    "HINT: The other tables of sync \"{sync}\" go on. When this is mended, run: {} reload {sync}",
                    session.prog
                );
            }
            Outcome::Fails(why) => {
                warn_user!("sync \"{sync}\" does not run: {why}");
                if !why.contains("HINT: ") {
                    warn_user!("HINT: When this is mended, run: {} reload {sync}", session.prog);
                }
            }
        }
        1
    }
}
