//! `pause` and `resume`: whether the daemon serves a sync, in the words of the newer dialect
//! (reference, 8.5). Changes are noted meanwhile. The daemon stores a pause: it lasts until it is
//! lifted, also when the daemon is restarted. The daemon's answer is waited for: what is said to be
//! paused is paused.

use crate::cli::answer::{Patience, ask_any};
use crate::cli::{Session, help, presence, standstill, sync_list, table::Topic};
use crate::control::channel::{self, sync_request};
use crate::error::Result;
use crate::plain;
use crate::{say, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: {verb} <sync> [sync2 sync3 ...] | all

  {verb} orders
  {verb} all

A paused sync does not run until `resume` or `activate`, also when the daemon is restarted or
the machine is booted. Its changes are noted and wait; `status` counts them. `deactivate` of
bucardo_ctl lasts only until the daemon is restarted; `update sync orders status=inactive` is for good.",
)];

/// Seconds in which the daemon answers for one sync.
const LIMIT: u64 = 10;

/// A verb, what is answered to its request, and what is said then.
struct Doing {
    verb: &'static str,
    answers: [&'static str; 2],
    done: &'static str,
}

/// `pause SYNC ...`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    each(session, nouns, Doing { verb: "pause", answers: ["paused", "deactivated"], done: "Syncs paused" })
}

/// `resume SYNC ...`.
pub fn run_resume(session: &mut Session, nouns: &[String]) -> Result<u8> {
    each(session, nouns, Doing { verb: "resume", answers: ["resumed", "activated"], done: "Syncs resumed" })
}

/// The exit code is 1 when something that was asked for has not happened.
fn each(session: &mut Session, nouns: &[String], doing: Doing) -> Result<u8> {
    if sync_list::names_nothing(nouns) {
        return Ok(help::usage(session.personality, doing.verb, &[]));
    }
    let stored = sync_list::stored(session)?;
    let selection = sync_list::newer::resolve(nouns, &stored)?;
    let mut code = 0;
    let mut active = Vec::new();
    for sync in selection.syncs {
        if sync.is_active() {
            active.push(sync.name);
        } else {
            let (name, status) = (&sync.name, &sync.status);
            warn_user!("Cannot pause or resume sync \"{name}\" unless it is active (currently \"{status}\")");
            warn_user!("HINT: To make it active, run: {} update sync {name} status=active", session.prog);
            code = 1;
        }
    }
    if let Some(absent) = presence::absent(session)?.filter(|_| !active.is_empty()) {
        return Err(absent.context(format!("cannot {} sync \"{}\"", doing.verb, active.join("\", \""))));
    }
    let mut names = Vec::new();
    for name in active {
        let (request, refusal) = (sync_request(doing.verb, &name), channel::sync_error(&name));
        let [first, second] = doing.answers.map(|verb| sync_request(verb, &name));
        match ask_any(&mut session.control, &request, &[&first, &second, &refusal], Patience::new(LIMIT))? {
            Some(heard) if heard.channel == refusal => {
                refused(session, doing.verb, &name)?;
                code = 1;
            }
            Some(_) => names.push(name),
            None => {
                warn_user!("No answer within {LIMIT} seconds: sync \"{name}\" may go on as before");
                warn_user!("HINT: `status {name}` shows what it does; the daemon's log tells more");
                code = 1;
            }
        }
    }
    if !names.is_empty() {
        say!("{}: {}", doing.done, names.join(","));
    }
    Ok(code)
}

/// The daemon pauses and resumes only what is on.
fn refused(session: &mut Session, verb: &str, sync: &str) -> Result<()> {
    let (why, hint) = match standstill::of(session, sync)? {
        Some(standstill) => (standstill.to_string(), standstill.hint(&session.prog)),
        None => ("it does not know it".to_owned(), format!("`status {sync}` shows what it does; the daemon's log tells more")),
    };
    warn_user!("the daemon cannot {verb} sync \"{sync}\": {why}");
    warn_user!("HINT: {}", plain::line(&hint));
    Ok(())
}
