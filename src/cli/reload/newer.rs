//! `reload` of the newer dialect (reference, 8.5): without a word it is about all syncs; a sync
//! that does not answer is no failure.

use super::INACTIVE;
use super::outcome::{self, Outcome};
use crate::cli::answer::{Patience, ask};
use crate::cli::{Session, presence, refusal, reload_config, sync_list};
use crate::error::Result;
use crate::{say, say_part, warn_user};

/// How long the daemon may take for one sync.
const LIMIT: u64 = 15;
/// The exit code without a daemon, as it was seen of the original.
const NO_DAEMON: u8 = 11;
/// How long it may take for all.
const ALL: u64 = 60;

/// `reload`, `reload config`, `reload SYNC ...`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    match nouns.split_first() {
        None => everything(session),
        Some((word, rest)) if word.to_lowercase().starts_with("config") => reload_config::run(session, rest),
        Some(_) => syncs(session, nouns),
    }
}

/// Refuses where no daemon runs.
pub fn must_run(session: &mut Session) -> Result<()> {
    match presence::absent(session)? {
        None => Ok(()),
        Some(_) => Err(refusal::refused(
            "Looks like Bucardo is not running, so there is no need to reload",
            format!("A daemon reads everything when it starts. To start one, run: {} start", session.prog),
        )
        .exit_code(NO_DAEMON)),
    }
}

fn everything(session: &mut Session) -> Result<u8> {
    must_run(session)?;
    let patience = Patience::new(ALL);
    if ask(&mut session.control, "bucardo_mcp_reload", "bucardo_reloaded_mcp", patience)?.is_some() {
        say!("DONE!");
        return Ok(0);
    }
    warn_user!("No answer within {ALL} seconds\nHINT: the daemon's log tells what it does");
    Ok(1)
}

fn syncs(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let stored = sync_list::stored(session)?;
    must_run(session)?;
    let mut code = 0;
    for sync in sync_list::newer::resolve(nouns, &stored)?.syncs {
        let name = &sync.name;
        if !sync.is_active() {
            warn_user!("Cannot reload: status of sync \"{name}\" is {}", sync.status);
            warn_user!("HINT: {INACTIVE}");
            code = 1;
            continue;
        }
        say_part!("Reloading sync {name}...");
        let outcome = outcome::asked_for(session, name, LIMIT)?;
        match outcome {
            Outcome::Runs => say!("Reload of sync {name} successful"),
            Outcome::Unanswered(_) => say!("Reload of sync {name} failed; reload response message never received"),
            Outcome::RunsWithout(_) => say!("Reload of sync {name} incomplete"),
            Outcome::Stands(_) => say!("Reload of sync {name} successful"),
            Outcome::Fails(_) | Outcome::Refused => say!("Reload of sync {name} failed"),
        }
        say!("");
        code |= outcome.tell(session, name)?;
    }
    Ok(code)
}
