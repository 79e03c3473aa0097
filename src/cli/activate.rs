//! `activate` and `deactivate`: whether the running daemon serves a sync. Nothing is stored: the next start of the daemon
//! goes by the column `status` again (reference, 3.8).

use crate::cli::answer::{Patience, ask, notify};
use crate::cli::{Session, help, refusal, sync_list, table::Topic};
use crate::control::channel::sync_request;
use crate::error::Result;
use crate::{say, say_part};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only("Usage: {verb} <sync> [sync2 sync3 ...] [0]")];

/// `activate SYNC ... [0]`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    each(session, nouns, "activate", "Activating")
}

/// `deactivate SYNC ... [0]`.
pub fn run_deactivate(session: &mut Session, nouns: &[String]) -> Result<u8> {
    each(session, nouns, "deactivate", "Deactivating")
}

/// Only the number 0 waits for the daemon's answer; any other is taken and ignored.
fn each(session: &mut Session, nouns: &[String], verb: &str, doing: &str) -> Result<u8> {
    if sync_list::names_nothing(nouns) {
        return Err(refusal::refused(format!("{verb}_sync requires at least one sync name"), sync_list::SYNCS));
    }
    let stored = sync_list::stored(session)?;
    let selection = sync_list::resolve_for(session, nouns, &stored, verb)?;
    for sync in &selection.syncs {
        if !session.options.quiet {
            say_part!("{doing} sync {}", sync.name);
        }
        let request = sync_request(verb, &sync.name);
        match selection.seconds {
            Some(0) => answered(session, &request, &sync_request(&format!("{verb}d"), &sync.name))?,
            _ => notify(&mut session.control, &request)?,
        }
        say!("");
    }
    Ok(0)
}

fn answered(session: &mut Session, request: &str, answer: &str) -> Result<()> {
    say_part!("...");
    ask(&mut session.control, request, answer, Patience::new(0, &session.files.piddir))?;
    say_part!("OK");
    Ok(())
}
