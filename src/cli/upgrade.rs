//! `upgrade`: brings the control schema up to what this version has, in one transaction, after
//! showing what it will do (reference, 3.2).

use crate::cli::session::complain_of_access;
use crate::cli::table::Topic;
use crate::cli::{Personality, Session, help, output, refusal};
use crate::control::upgrade;
use crate::error::{Error, Result};
use crate::{say, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: upgrade

  Shows what has to change in the control database, asks, and does it in one transaction. --batch asks nothing.

  upgrade --batch",
)];

/// What came of it.
enum Outcome {
    Nothing,
    Declined,
    Done,
}

/// `upgrade`.
pub fn run(session: &mut Session, _nouns: &[String]) -> Result<u8> {
    if !upgrade::is_ours(&mut session.control)? {
        return Err(foreign(session.personality));
    }
    let outcome = match session.transaction(upgraded) {
        Err(error) if error.message() == DECLINED => Outcome::Declined,
        outcome => outcome?,
    };
    match outcome {
        Outcome::Nothing => {
            say!("No schema changes were needed");
            complain_of_access(session)?;
        }
        Outcome::Declined => warn_user!("Nothing was changed: answer with y, or run it with --batch"),
        Outcome::Done => {
            say!("Changes have been commited");
            say!("Don't forget to run '{} validate all' as well", session.prog);
        }
    }
    Ok(code(session.personality, &outcome))
}

/// The older dialect ends well only for somebody who says no.
fn code(personality: Personality, outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Declined => 0,
        Outcome::Done => personality.dialect().upgraded_code,
        Outcome::Nothing => 1,
    }
}

/// An error, so that the transaction is rolled back.
const DECLINED: &str = "nothing was changed";

fn upgraded(session: &mut Session) -> Result<Outcome> {
    let changes = upgrade::upgrade(&mut session.control)?;
    if changes.is_empty() {
        return Ok(Outcome::Nothing);
    }
    changes.iter().for_each(|summary| warn_user!("{summary}"));
    if session.rehearses() || (!session.options.batch && !agreed(changes.len())) {
        return Err(refusal::refused(DECLINED, "answer with y to change it"));
    }
    Ok(Outcome::Done)
}

fn agreed(changes: usize) -> bool {
    output::agreed(&format!("Okay to commit {changes} change{}? ", if changes == 1 { "" } else { "s" }))
}

fn foreign(personality: Personality) -> Error {
    let sentence = match personality.dialect().newer {
        true => "Sorry, but Bucardo version 4 cannot be upgraded to version 5",
        false => "Sorry, but this control database was made by another program",
    };
    refusal::refused(sentence, "make a new one with `install --dbname=...` and add databases, tables and syncs there")
        .exit_code(1)
}
