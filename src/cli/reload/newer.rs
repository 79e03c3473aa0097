//! `reload` of the newer dialect (reference, 8.5): without a word it is about all syncs; a sync that does not answer is no failure.

use crate::cli::answer::{Patience, ask};
use crate::cli::{Session, pidfile, refusal, reload_config, sync_list};
use crate::control::channel::sync_request;
use crate::error::Result;
use crate::{say, say_part, warn_user};
use std::path::Path;

/// How long the daemon may take for one sync.
const LIMIT: u64 = 10;
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

/// Refuses where no daemon runs on this machine.
pub fn must_run(session: &Session) -> Result<()> {
    match pidfile::living_master(Path::new(&session.files.piddir)) {
        Some(_) => Ok(()),
        None => Err(refusal::refused("Looks like Bucardo is not running, so there is no need to reload", "`start` starts it")),
    }
}

fn everything(session: &mut Session) -> Result<u8> {
    must_run(session)?;
    let patience = Patience::new(ALL, &session.files.piddir);
    if ask(&mut session.control, "bucardo_mcp_reload", "bucardo_reloaded_mcp", patience)?.is_some() {
        say!("DONE!");
        return Ok(0);
    }
    warn_user!("No answer within {ALL} seconds\nHINT: the daemon's log tells what it does");
    Ok(1)
}

fn syncs(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let stored = sync_list::stored(session)?;
    for sync in sync_list::newer::resolve(nouns, &stored)?.syncs {
        let name = &sync.name;
        if !sync.is_active() {
            warn_user!("Cannot reload: status of sync \"{name}\" is {}", sync.status);
            continue;
        }
        say_part!("Reloading sync {name}...");
        let patience = Patience::new(LIMIT, &session.files.piddir);
        let answer = ask(&mut session.control, &sync_request("reload", name), &sync_request("reloaded", name), patience)?;
        match answer {
            Some(_) => say!("Reload of sync {name} successful"),
            None => say!("Reload of sync {name} failed; reload response message never received"),
        }
        say!("");
    }
    Ok(0)
}
