//! `clone`: copies all rows of a sync anew, from its source to its targets (reference, 8.5). Here
//! that is what a sync does by itself, once, when its column `onetimecopy` is 1; so it can be asked
//! for a sync only, and `status` tells how it goes.

use crate::cli::answer;
use crate::cli::sync_list::SYNCS;
use crate::cli::{Session, help, near, presence, refusal, table::Topic};
use crate::control::channel::sync_request;
use crate::error::Result;
use crate::say;

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: clone sync=x

  Copies all rows of the sync to its targets again, once, with writers active.

  clone sync=orders",
)];

/// `clone sync=S`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let Some(pairs) = nouns.iter().map(|word| word.split_once(['=', ':'])).collect::<Option<Vec<_>>>() else {
        return Ok(help::usage(session.personality, "clone", &[]));
    };
    if let Some((key, _)) = pairs.iter().find(|(key, _)| !key.eq_ignore_ascii_case("sync")) {
        let hint =
            "a sync is what is cloned: `add sync` with relgroup= and dbs= makes one, and onetimecopy=1 fills its targets at once";
        return Err(refusal::refused(format!("Cannot clone by \"{key}\""), hint));
    }
    let Some((_, sync)) = pairs.last() else { return Ok(help::usage(session.personality, "clone", &[])) };
    session.transaction(|session| ask_for_copy(session, sync))?;
    if !session.rehearses() {
        let (reload, kick) = (sync_request("reload", sync), sync_request("kick", sync));
        if presence::absent(session)?.is_some() {
            [&reload, &kick].into_iter().try_for_each(|request| answer::notify(&mut session.control, request))?;
        } else if !answer::send(&mut session.control, &[(&reload, ""), (&kick, "")])? {
            answer::not_taken(&session.prog, "the kick");
        }
    }
    say!("Clone {sync} has been started. Track progress with \"{} status clone {sync}\"", session.prog);
    Ok(0)
}

fn ask_for_copy(session: &mut Session, sync: &str) -> Result<()> {
    let Some(row) =
        session.control.query_opt("select status, synctype from bucardo.sync where name = $1 for update", &[&sync])?
    else {
        let hint = near::among(&mut session.control, "sync", sync, SYNCS);
        return Err(refusal::missing(format!("Could not find a sync named \"{sync}\""), hint));
    };
    if row.get::<_, &str>(0) != "active" {
        let hint = format!("`update sync {sync} status=active` makes it so");
        return Err(refusal::refused(format!("Cannot clone inactive sync \"{sync}\""), hint));
    }
    // A fullcopy copies everything whenever it is kicked.
    if row.get::<_, &str>(1) != "fullcopy" {
        session.control.execute("update bucardo.sync set onetimecopy = 1 where name = $1", &[&sync])?;
    }
    Ok(())
}
