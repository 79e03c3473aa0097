//! `activate` and `deactivate`: whether the running daemon serves a sync. The older program stores
//! nothing: the next start of the daemon goes by the column `status` again (reference, 3.8). The
//! newer one sets that column, too (8.5).
//!
//! The daemon takes every request to activate, but a sync that does not fit its databases does not
//! run. Who waits is told.

use crate::cli::answer::{self, Patience, notify};
use crate::cli::{Session, help, presence, refusal, sync_list, table::Topic};
use crate::control::channel::{self, sync_request};
use crate::error::{Error, Result};
use crate::pg::Connection;
use crate::plain;
use crate::{say, say_part, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: {verb} <sync> [sync2 sync3 ...] [0]

  {verb} orders
  {verb} orders 0             wait until it is done

`deactivate` lets the running daemon leave a sync alone, `activate` lets it run, paused or not
and whatever its status is, until the daemon is restarted or reads all syncs anew: then its
status counts. Changes are noted meanwhile and wait. `pause` lasts until `resume`, also over a
restart; `update sync orders status=inactive` is for good, and is what `bucardo deactivate` does, too.",
)];

/// `activate SYNC ... [0]`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    each(session, nouns, "activate", "Activating")
}

/// `deactivate SYNC ... [0]`.
pub fn run_deactivate(session: &mut Session, nouns: &[String]) -> Result<u8> {
    each(session, nouns, "deactivate", "Deactivating")
}

/// The exit code when a sync that was to be activated does not run.
const DOES_NOT_RUN: u8 = 2;

/// The exit code when the daemon has not taken a request.
const NO_ANSWER: u8 = 1;

/// Why the daemon refuses a request.
const UNKNOWN: &str = "it does not know it, or its source database is not active";

/// Only the number 0 waits until it is done; any other is taken and ignored.
fn each(session: &mut Session, nouns: &[String], verb: &str, doing: &str) -> Result<u8> {
    if sync_list::names_nothing(nouns) {
        return Err(refusal::refused(format!("{verb}_sync requires at least one sync name"), sync_list::SYNCS));
    }
    let stored = sync_list::stored(session)?;
    let selection = sync_list::resolve_for(session, nouns, &stored, verb)?;
    let absent = presence::absent(session)?;
    let mut code = 0;
    for sync in &selection.syncs {
        if session.dialect().activation_lasts {
            let status = if verb == "activate" { "active" } else { "inactive" };
            session.control.execute("update bucardo.sync set status = $2 where name = $1", &[&sync.name, &status])?;
            if verb == "activate" && absent.is_some() {
                lift_pause(&mut session.control, &sync.name)?;
            }
        }
        if !session.options.quiet {
            say_part!("{doing} sync {}", sync.name);
        }
        match (selection.seconds, &absent) {
            (Some(0), None) => code |= answered(session, verb, &sync.name)?,
            (seconds, Some(absent)) => code |= without_daemon(session, verb, &sync.name, seconds == Some(0), absent)?,
            _ => code |= taken(session, verb, &sync.name)?,
        }
    }
    Ok(code)
}

/// As the daemon does it.
fn lift_pause(control: &mut Connection, sync: &str) -> Result<()> {
    control.execute("update bucardo.sync_state set paused = null where sync = $1", &[&sync])?;
    Ok(())
}

/// Nothing runs, and what a daemon that starts will do is in the column `status`. A wait for more
/// is in vain.
fn without_daemon(session: &mut Session, verb: &str, sync: &str, waits: bool, absent: &Error) -> Result<u8> {
    let wanted = if verb == "activate" { "active" } else { "inactive" };
    let row = session.control.query_opt("select status from bucardo.sync where name = $1", &[&sync])?;
    let status: String = row.map(|row| row.get(0)).unwrap_or_default();
    let is_so = verb != "activate" && status == wanted;
    match waits {
        true => say!("...{}", if is_so { "OK" } else { "FAILED" }),
        false => say!(""),
    }
    warn_user!("Note: {absent}; one that starts goes by the status of sync \"{sync}\", which is {status}");
    if status != wanted {
        warn_user!("HINT: To change it, run: {} update sync {sync} status={wanted}", session.prog);
    } else if let Some(hint) = absent.hint_text() {
        warn_user!("HINT: {}", plain::line(hint));
    }
    Ok(if waits && !is_so { DOES_NOT_RUN } else { 0 })
}

/// Does not wait until the sync runs, but until the daemon has taken the order: one that is sent
/// while it does not listen would be lost.
fn taken(session: &mut Session, verb: &str, sync: &str) -> Result<u8> {
    say!("");
    match until_taken(&mut session.control, verb, sync)? {
        Outcome::Done => Ok(0),
        Outcome::Impossible(why) => {
            warn_user!("the daemon cannot {verb} sync \"{sync}\": {why}");
            warn_user!("HINT: `status {sync}` shows what it does; the daemon's log tells more");
            Ok(DOES_NOT_RUN)
        }
        Outcome::Unanswered => {
            answer::not_taken(&session.prog, &format!("the request to {verb} sync \"{sync}\""));
            Ok(NO_ANSWER)
        }
    }
}

fn until_taken(control: &mut Connection, verb: &str, sync: &str) -> Result<Outcome> {
    let (request, refusal) = (sync_request(verb, sync), channel::sync_error(sync));
    let answer = sync_request(&format!("{verb}d"), sync);
    let mut patience = Patience::new(answer::TAKES);
    answer::listen(control, [answer.as_str(), refusal.as_str()])?;
    notify(control, &request)?;
    loop {
        let heard = answer::arrivals(control, patience.next())?;
        if answer::has_started(&heard) {
            notify(control, &request)?;
        }
        if heard.iter().any(|notification| notification.channel == answer) {
            return Ok(Outcome::Done);
        }
        if heard.iter().any(|notification| notification.channel == refusal && notification.payload == verb) {
            return Ok(Outcome::Impossible(UNKNOWN.to_owned()));
        }
        if patience.is_over(control)? {
            return Ok(Outcome::Unanswered);
        }
    }
}

fn answered(session: &mut Session, verb: &str, sync: &str) -> Result<u8> {
    say_part!("...");
    let patience = Patience::new(0);
    match outcome(&mut session.control, verb, sync, patience)? {
        Outcome::Done => {
            say!("OK");
            Ok(0)
        }
        // Without a limit, it is an error instead.
        Outcome::Unanswered => Ok(DOES_NOT_RUN),
        Outcome::Impossible(why) => {
            say!("FAILED");
            warn_user!(
                "the daemon cannot run sync \"{sync}\": {why}\nHINT: the daemon's log tells more; `validate {sync}` looks again"
            );
            Ok(DOES_NOT_RUN)
        }
    }
}

/// What came of a request.
enum Outcome {
    Done,
    Impossible(String),
    Unanswered,
}

/// Lets the running daemon do it, and waits for that for some seconds at most. Says what went
/// wrong, and whether anything did.
pub fn request(session: &mut Session, verb: &str, sync: &str, seconds: u64) -> Result<bool> {
    match outcome(&mut session.control, verb, sync, Patience::new(seconds))? {
        Outcome::Done => return Ok(true),
        Outcome::Impossible(why) => warn_user!("the daemon cannot run sync \"{sync}\": {why}"),
        Outcome::Unanswered => warn_user!("No answer within {seconds} seconds from the daemon about sync \"{sync}\""),
    }
    warn_user!("HINT: To see what it does, run: {} status {sync}", session.prog);
    Ok(false)
}

/// Sends the request and waits for the answer and, for `activate`, until the sync was found valid.
fn outcome(control: &mut Connection, verb: &str, sync: &str, mut patience: Patience) -> Result<Outcome> {
    let request = sync_request(verb, sync);
    let [answer, refusal, validated] =
        [sync_request(&format!("{verb}d"), sync), channel::sync_error(sync), channel::validated(sync)];
    answer::listen(control, [&answer, &refusal, &validated].map(String::as_str))?;
    notify(control, &request)?;
    let mut taken = false;
    loop {
        let heard = answer::arrivals(control, patience.next())?;
        patience.heard(!heard.is_empty());
        if answer::has_started(&heard) {
            notify(control, &request)?;
        }
        let came = |channel: &String| heard.iter().any(|notification| notification.channel == *channel);
        taken |= came(&answer);
        if heard.iter().any(|notification| notification.channel == refusal && notification.payload == verb) {
            return Ok(Outcome::Impossible(UNKNOWN.to_owned()));
        }
        if taken && verb != "activate" {
            return Ok(Outcome::Done);
        }
        match validity(control, sync)? {
            Validity::Fit if taken => return Ok(Outcome::Done),
            Validity::Unfit(why) if taken && came(&validated) => return Ok(Outcome::Impossible(why)),
            _ => {}
        }
        if patience.is_over(control)? {
            return Ok(Outcome::Unanswered);
        }
    }
}

enum Validity {
    Fit,
    Unknown,
    Unfit(String),
}

fn validity(control: &mut Connection, sync: &str) -> Result<Validity> {
    let row = control.query_opt("select ok, coalesce(outcome, '') from bucardo.validation where sync = $1", &[&sync])?;
    Ok(match row.map(|row| (row.get::<_, Option<bool>>(0), row.get(1))) {
        Some((Some(true), _)) => Validity::Fit,
        Some((Some(false), why)) => Validity::Unfit(why),
        _ => Validity::Unknown,
    })
}
