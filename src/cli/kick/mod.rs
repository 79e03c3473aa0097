//! `kick`: asks the daemon to run syncs now and, if a number is given, waits until they have
//! (reference, 3.9).

pub mod display;
mod rows;
pub mod verdict;
mod watch;

use crate::cli::answer::{self, notify};
use crate::cli::sync_list::{self, Listed, Selection};
use crate::cli::{Session, help, presence, standstill, table::Topic};
use crate::control::channel::kick_sync;
use crate::error::{Error, Kind, Result};
use crate::plain;
use crate::{say, warn_user};
use std::thread::sleep;
use std::time::Duration;
use verdict::{End, Verdict};
use watch::Watch;

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: kick <name> [# of seconds] [name2 name3...] [--notimer]

  kick orders               start it, and do not wait
  kick orders 0             wait until everything committed so far has arrived
  kick orders 60            wait at most a minute; exit code 1 when it was too short or no daemon runs, 2 when a worker died
  kick all                  every active sync
  --quiet kick orders 0     for cron",
)];

/// `kick SYNC ... [SECONDS]`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    if sync_list::names_nothing(nouns) {
        return Ok(help::usage(session.personality, "kick", &[]));
    }
    let stored = sync_list::stored(session)?;
    let selection = sync_list::resolve_for(session, nouns, &stored, "kick")?;
    let any = selection.syncs.iter().any(Listed::is_active);
    if let Some(absent) = presence::absent(session)?.filter(|_| any) {
        return without_daemon(session, &selection, &absent);
    }
    let code = match selection.seconds {
        None => all_at_once(session, &selection.syncs, true)?,
        Some(seconds) => one_after_the_other(session, &selection.syncs, seconds)?,
    };
    Ok(if code == 0 { skipped(session, nouns, &selection) } else { code })
}

/// The exit code for syncs that were named and not kicked because they are inactive. The older
/// program has none for that.
fn skipped(session: &Session, nouns: &[String], selection: &Selection) -> u8 {
    let named = !nouns.iter().any(|noun| noun.eq_ignore_ascii_case("all"));
    let any = selection.syncs.iter().any(|sync| !sync.is_active());
    if session.dialect().newer && named && any { session.dialect().kick_error_code } else { 0 }
}

/// A kick that waits ends at once, with the code of a limit that was reached or, where there is
/// none, of any other failure. Without a number, the original takes a kick all the same.
fn without_daemon(session: &mut Session, selection: &Selection, absent: &Error) -> Result<u8> {
    let code = match selection.seconds {
        None => all_at_once(session, &selection.syncs, false)?,
        Some(0) => session.dialect().kick_error_code,
        Some(_) => 1,
    };
    let word = if selection.seconds.is_some() { "Error" } else { "Note" };
    warn_user!("{word}: {absent}; the kick is lost");
    if let Some(hint) = absent.hint_text() {
        warn_user!("HINT: {}", plain::line(hint));
    }
    Ok(code)
}

/// The exit code when the daemon has not taken a kick.
const NO_ANSWER: u8 = 1;

/// Where a daemon serves, it has taken the kicks when this returns: some are lost that are sent
/// while it does not listen.
fn all_at_once(session: &mut Session, syncs: &[Listed], served: bool) -> Result<u8> {
    let mut kicks = Vec::new();
    for sync in syncs.iter().filter(|sync| may_be_kicked(sync)) {
        kicks.push(kick_sync(&sync.name));
        if !served {
            notify(&mut session.control, &kick_sync(&sync.name))?;
        }
        if !session.options.quiet {
            say!("Kicked sync {}", sync.name);
        }
        standstill::tell(session, &sync.name)?;
    }
    let kicks: Vec<(&str, &str)> = kicks.iter().map(|kick| (kick.as_str(), "")).collect();
    if !served || kicks.is_empty() || answer::send(&mut session.control, &kicks)? {
        return Ok(0);
    }
    answer::not_taken(&session.prog, "the kick");
    Ok(NO_ANSWER)
}

/// Kick, wait, next. After a kill, and if a retry is left, again from the first one.
fn one_after_the_other(session: &mut Session, syncs: &[Listed], seconds: u64) -> Result<u8> {
    let mut verdict = Verdict::new(u64::try_from(session.options.retry).unwrap_or(0), session.dialect().kick_error_code);
    let mut next = 0;
    while let (Some(sync), false) = (syncs.get(next), session.control.is_closed()) {
        next += 1;
        if !may_be_kicked(sync) {
            continue;
        }
        let (end, reasons) = waited_for(session, sync, seconds);
        if let Some(retry) = verdict.add(end) {
            say!("Retry #{retry}");
            sleep(Duration::from_secs(u64::try_from(session.options.retrysleep).unwrap_or(0)));
            next = 0;
        } else if matches!(end, End::Done | End::Killed) && !session.options.quiet {
            say!("");
        }
        reasons.iter().for_each(|reason| warn_user!("{reason}"));
    }
    Ok(verdict.code())
}

fn may_be_kicked(sync: &Listed) -> bool {
    if !sync.is_active() {
        say!("Cannot kick inactive sync \"{}\"", sync.name);
    }
    sync.is_active()
}

/// Kicks one sync and waits for its end. What goes wrong is said here: it ends this wait, not the
/// command. The reasons of jobs that failed are left to the caller, which has a line to end first.
fn waited_for(session: &mut Session, sync: &Listed, seconds: u64) -> (End, Vec<String>) {
    let ended = Watch::open(session, sync, seconds).and_then(|mut watch| Ok((watch.end(session)?, watch)));
    // Should a question fail, the next one will tell.
    match ended {
        Ok((End::TimedOut, _)) => {
            warn_user!("Timed out!");
            if let Ok(Some(reason)) = watch::unfit(&mut session.control, &sync.name) {
                tell(&reason);
            }
            (End::TimedOut, watch::reasons(&mut session.control, &sync.name, 0).unwrap_or_default())
        }
        Ok((End::Killed, watch)) if !session.dialect().newer => (End::Killed, watch.reasons(session).unwrap_or_default()),
        Ok((end, _)) => (end, Vec::new()),
        Err(error) => {
            tell(&error);
            (End::Failed, Vec::new())
        }
    }
}

fn tell(error: &Error) {
    warn_user!("Error: {error}");
    if let (Some(hint), false) = (error.hint_text(), error.kind() == Kind::Lost) {
        warn_user!("HINT: {}", plain::line(hint));
    }
}
