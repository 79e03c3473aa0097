//! `reload_config`: lets the running daemon read the table bucardo_config anew (reference, 3.5).

use crate::cli::answer::{Patience, ask, notify};
use crate::cli::{Session, help, presence, reload, table::Topic};
use crate::error::Result;
use crate::{say, say_part, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: reload_config [# of seconds]

  reload_config
  reload_config 10",
)];

const REQUEST: &str = "bucardo_reload_config";
const ANSWER: &str = "bucardo_reload_config_finished";

/// What the number 0 means here: it never waited in the original, so it must not wait for ever now.
const LONGEST: u64 = 60;

/// `reload_config [SECONDS]`. Waits only if a number is given.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    if session.dialect().newer {
        reload::newer::must_run(session)?;
    }
    let absent = presence::absent(session)?;
    if !session.options.quiet {
        say_part!("Forcing Bucardo to reload the bucardo_config table");
    }
    let given = nouns.first().and_then(|word| word.parse().ok());
    let wait_for = given.or(session.dialect().reload_config_wait);
    if let Some(absent) = absent {
        say!("");
        warn_user!("Note: {absent}; one that starts reads all its settings");
        return Ok(u8::from(wait_for.is_some()));
    }
    let Some(seconds) = wait_for else {
        notify(&mut session.control, REQUEST)?;
        say!("");
        return Ok(0);
    };
    wait(session, if seconds == 0 { LONGEST } else { seconds })
}

fn wait(session: &mut Session, seconds: u64) -> Result<u8> {
    let patience = Patience::new(seconds);
    if ask(&mut session.control, REQUEST, ANSWER, patience)?.is_some() {
        say!("{}", if session.options.quiet { "" } else { "...DONE!" });
        return Ok(0);
    }
    say!("");
    warn_user!("No answer within {seconds} seconds: the daemon may not have reloaded its settings");
    warn_user!("HINT: `ping` tells whether a daemon runs; one that starts reads all its settings");
    Ok(1)
}
