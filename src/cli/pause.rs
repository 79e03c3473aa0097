//! `pause` and `resume`: whether the running daemon serves a sync, in the words of the newer dialect (reference, 8.5). Changes are noted
//! meanwhile; a restarted daemon goes by the column `status`.

use crate::cli::answer::notify;
use crate::cli::{Session, help, sync_list, table::Topic};
use crate::control::channel::sync_request;
use crate::error::Result;
use crate::{say, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: {verb} <sync> [sync2 sync3 ...] | all

  {verb} orders
  {verb} all",
)];

/// `pause SYNC ...`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    each(session, nouns, "pause", "Syncs paused")
}

/// `resume SYNC ...`.
pub fn run_resume(session: &mut Session, nouns: &[String]) -> Result<u8> {
    each(session, nouns, "resume", "Syncs resumed")
}

fn each(session: &mut Session, nouns: &[String], verb: &str, done: &str) -> Result<u8> {
    if sync_list::names_nothing(nouns) {
        return Ok(help::usage(session.personality, verb, &[]));
    }
    let stored = sync_list::stored(session)?;
    let selection = sync_list::newer::resolve(nouns, &stored)?;
    let mut names = Vec::new();
    for sync in selection.syncs {
        if !sync.is_active() {
            let (name, status) = (&sync.name, &sync.status);
            warn_user!("Cannot pause or resume sync \"{name}\" unless it is active (currently \"{status}\")");
            continue;
        }
        notify(&mut session.control, &sync_request(verb, &sync.name))?;
        names.push(sync.name);
    }
    if !names.is_empty() {
        say!("{done}: {}", names.join(","));
    }
    Ok(0)
}
