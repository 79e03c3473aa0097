//! `reload`: lets the running daemon read the rows of some syncs anew (reference, 3.6).

pub mod newer;
mod outcome;

use crate::cli::sync_list::SYNCS;
use crate::cli::{Session, help, near, presence, reload_config, table::Topic};
use crate::error::Result;
use crate::{say, say_part, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: reload sync [sync2 sync3 ...]

  reload orders stock

The daemon looks at the databases of each sync, as `validate` does, and begins anew with the tables that fit; the exit code is 1
when one does not.",
)
.or_newer(
    "Usage: reload [config | sync ...]

  reload                    all syncs
  reload orders stock
  reload config",
)];

/// How long the daemon may take for one sync. The original waits for ever, also where there is no
/// daemon.
const LIMIT: u64 = 60;

pub(super) const INACTIVE: &str = "a sync runs when its status is active; a restarted daemon goes by that";

/// `reload SYNC ...`. The exit code is 1 when a sync does not run afterwards with all its tables.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    if session.dialect().newer {
        return newer::run(session, nouns);
    }
    if nouns.is_empty() {
        return Ok(help::usage(session.personality, "reload", &[]));
    }
    let mut code = 0;
    for noun in nouns {
        match status(session, noun)?.as_deref() {
            Some("active") => code |= reload(session, noun)?,
            Some(status) => {
                refused(&format!("Cannot reload: status of sync \"{noun}\" is {status}"), INACTIVE);
                code = 1;
            }
            None if noun == "sync" => {}
            None if noun == "config" => return reload_config::run(session, &nouns[1..]),
            None => {
                refused(&format!("Invalid sync: {noun}"), &near::among(&mut session.control, "sync", noun, SYNCS));
                code = 1;
            }
        }
    }
    Ok(code)
}

fn status(session: &mut Session, sync: &str) -> Result<Option<String>> {
    let row = session.control.query_opt("select status from bucardo.sync where name = $1", &[&sync])?;
    Ok(row.map(|row| row.get(0)))
}

fn reload(session: &mut Session, sync: &str) -> Result<u8> {
    if let Some(absent) = presence::absent(session)? {
        let hint = absent.hint_text().unwrap_or_default();
        refused(&format!("sync \"{sync}\" was not reloaded: {absent}"), &format!("{hint}; it reads everything when it starts"));
        return Ok(1);
    }
    say_part!("Reloading sync {sync}...");
    let outcome = outcome::asked_for(session, sync, LIMIT)?;
    say!("{}", outcome.word());
    outcome.tell(session, sync)
}

/// Says that one sync was not reloaded; the others have their turn nevertheless.
fn refused(what: &str, hint: &str) {
    warn_user!("{what}\nHINT: {hint}");
}
