//! What a reload came to: the daemon has looked at the databases of the sync and begun anew with
//! what fits.

use crate::cli::answer::{Patience, ask_any};
use crate::cli::{Session, standstill};
use crate::control::channel::{self, sync_request};
use crate::control::joining::{self, Joining};
use crate::control::state::Standstill;
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
    /// It was read anew, and does not run, because of an earlier command.
    Stands(Standstill),
    /// The daemon does not run it.
    Refused,
    /// The daemon did not answer within so many seconds.
    Unanswered(u64),
}

/// Has the daemon reload a sync, and waits for that for so many seconds at most.
pub fn asked_for(session: &mut Session, sync: &str, seconds: u64) -> Result<Outcome> {
    let (request, answer, refusal) = (sync_request("reload", sync), sync_request("reloaded", sync), channel::sync_error(sync));
    match ask_any(&mut session.control, &request, &[&answer, &refusal], Patience::new(seconds))? {
        Some(heard) if heard.channel == refusal && heard.payload == "reload" => Ok(Outcome::Refused),
        Some(_) => of(session, sync),
        None => Ok(Outcome::Unanswered(seconds)),
    }
}

/// What the rows of the control database say, now that the daemon has answered.
fn of(session: &mut Session, sync: &str) -> Result<Outcome> {
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
    if !without.is_empty() {
        return Ok(Outcome::RunsWithout(without));
    }
    Ok(standstill::of(session, sync)?.map_or(Outcome::Runs, Outcome::Stands))
}

impl Outcome {
    /// The word at the end of the older dialect's line.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Runs | Outcome::Stands(_) => "DONE!",
            Outcome::RunsWithout(_) => "INCOMPLETE!",
            Outcome::Fails(_) | Outcome::Refused => "FAILED!",
            Outcome::Unanswered(_) => "",
        }
    }

    /// Says what is wrong; the exit code.
    pub fn tell(&self, session: &mut Session, sync: &str) -> Result<u8> {
        match self {
            Outcome::Runs => return Ok(0),
            Outcome::Unanswered(seconds) => unanswered(sync, *seconds),
            Outcome::Stands(standstill) => stands(session, sync, standstill),
            Outcome::Refused => match standstill::of(session, sync)? {
                Some(standstill) => stands(session, sync, &standstill),
                None => warn_user!("The daemon does not run sync \"{sync}\"\nHINT: `status` tells why"),
            },
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
        Ok(1)
    }
}

fn stands(session: &Session, sync: &str, standstill: &Standstill) {
    warn_user!("sync \"{sync}\" does not run: {standstill}");
    warn_user!("HINT: {}", standstill.hint(&session.prog));
}

fn unanswered(sync: &str, seconds: u64) {
    warn_user!("No answer within {seconds} seconds: sync \"{sync}\" may not have been reloaded");
    warn_user!("HINT: `ping` tells whether a daemon runs; its log tells why a sync could not be reloaded");
}
