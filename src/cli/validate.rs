//! `validate`: checks syncs against their databases (reference, 3.7), in this process, and tidies
//! where a sync has been and is no more.

use crate::cli::session::complain_of_access;
use crate::cli::{Session, help, refusal, sync_list, table::Topic};
use crate::control::gap::{self, Gap};
use crate::control::joining;
use crate::error::{Error, Result};
use crate::plain;
use crate::replicate::notes;
use crate::replicate::sync::deployments;
use crate::replicate::sync::validate::{self, Sessions};
use crate::{say, say_part, warn_user};

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: validate [all] [sync1 sync2]

  validate all
  validate orders stock",
)];

/// The largest number of failures that an exit code can tell.
const MOST: usize = 250;

/// `validate all | SYNC ...`. The exit code is the number of syncs that failed, or whose targets
/// are known to lack changes.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    if nouns.is_empty() {
        help::usage(session.personality, "validate", &[]);
        return Ok(session.dialect().bare_validate_code);
    }
    let names = meant(nouns, stored(session)?)?;
    if names.is_empty() {
        say!("Sorry, there are no syncs to validate!");
    }
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut sessions = Sessions::default();
    let (valid, failed): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| is_valid(session, name, width, &mut sessions));
    let gone = if nouns == ["all"] { deployments::orphaned(&mut session.control)? } else { Vec::new() };
    for name in valid.iter().chain(&gone) {
        deployments::tidy(&mut session.control, name)?.iter().for_each(|note| warn_user!("Note: {note}"));
    }
    complain_of_access(session)?;
    let (failed, all) = (failed.len(), valid.len() + failed.len());
    if failed > 0 {
        warn_user!("{failed} of {all} syncs failed");
    }
    Ok(u8::try_from(failed.min(MOST)).unwrap_or(u8::MAX))
}

fn stored(session: &mut Session) -> Result<Vec<String>> {
    let rows = session.control.query("select name from bucardo.sync order by name collate \"C\"", &[])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The syncs the words mean. One that does not exist is refused before any is looked at.
fn meant(nouns: &[String], stored: Vec<String>) -> Result<Vec<String>> {
    if nouns == ["all"] {
        return Ok(stored);
    }
    let named = nouns.iter().filter(|noun| *noun != "sync" || stored.contains(noun));
    named.map(|noun| known(noun, &stored)).collect()
}

fn known(name: &str, stored: &[String]) -> Result<String> {
    match stored.iter().any(|stored| stored == name) {
        true => Ok(name.to_owned()),
        false => Err(refusal::missing(
            format!("Sorry, there is no sync named \"{name}\""),
            sync_list::meant(name, stored.iter().map(String::as_str)),
        )),
    }
}

/// Validates one sync and says so. An error is said here, because the others have their turn
/// nevertheless.
fn is_valid(session: &mut Session, name: &str, width: usize, sessions: &mut Sessions) -> bool {
    let (between, fine) = session.dialect().valid;
    match between.trim().len() == between.len() {
        true => say_part!("Validating sync {name:.<width$}{between}"),
        false => say_part!("Validating sync {name:<width$}{between}"),
    }
    let outcome = look(session, name, sessions);
    say!(
        "{}",
        match &outcome {
            Ok(found) if found.is_complete() => fine,
            Ok(_) => "INCOMPLETE!",
            Err(_) => "FAILED!",
        }
    );
    match outcome {
        Ok(found) => {
            tell(session, &found.notes);
            complain_of(&found.gaps);
            tell_of_fitting(session, name, found.fitting);
            found.is_complete()
        }
        Err(error) => {
            complain(error);
            false
        }
    }
}

/// What was found of a sync that can run.
struct Found {
    notes: Vec<String>,
    gaps: Vec<Gap>,
    /// What joined it and does not fit.
    left_out: usize,
    /// What joined it and fits, and waits for the daemon.
    fitting: usize,
}

impl Found {
    fn is_complete(&self) -> bool {
        self.gaps.is_empty() && self.left_out == 0
    }
}

fn look(session: &mut Session, name: &str, sessions: &mut Sessions) -> Result<Found> {
    let control = &mut session.control;
    let joins = validate::joins(control)?;
    let notes = validate::one_of_many(control, name, joins, sessions)?;
    let gaps = gap::of_syncs(control, &[name.to_owned()])?;
    let joining = joining::of_sync(control, name)?;
    let left_out = joining.iter().filter(|one| one.outcome.is_some()).count();
    Ok(Found { notes, gaps, left_out, fitting: joining.len() - left_out })
}

/// What fits is carried once the daemon begins anew with it.
fn tell_of_fitting(session: &Session, name: &str, fitting: usize) {
    if fitting > 0 {
        warn_user!(
            "Note: to let the running daemon carry what was added to sync \"{name}\", run: {} reload {name}",
            session.prog
        );
    }
}

/// The sync can run; but what it does not know of, it cannot carry.
fn complain_of(gaps: &[Gap]) {
    for gap in gaps {
        let mut text = gap.to_string();
        text.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
        let target = if gap.target == gap.db { String::new() } else { format!("; \"{}\" may lack changes", gap.target) };
        warn_user!("{text}{target}");
    }
    if let Some(gap) = gaps.first() {
        warn_user!("HINT: Run: {}", plain::line(&gap.command));
    }
}

/// Warnings to everybody, the rest to who asks for details.
pub fn tell(session: &Session, notes: &[String]) {
    for note in notes {
        match notes::is_warning(note) {
            true => warn_user!("{note}"),
            false if session.options.verbose > 0 => say!("  {note}"),
            false => {}
        }
    }
}

fn complain(error: Error) {
    let error = refusal::advise(error);
    warn_user!("{error}");
    if let Some(hint) = error.hint_text() {
        warn_user!("HINT: {}", plain::line(hint));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn names(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn all_means_all_and_the_word_sync_means_nothing() {
        assert_eq!(meant(&names(&["all"]), names(&["a", "b"])).unwrap(), ["a", "b"]);
        assert_eq!(meant(&names(&["sync", "b"]), names(&["a", "b"])).unwrap(), ["b"]);
        let error = meant(&names(&["a", "c"]), names(&["a"])).unwrap_err();
        assert_eq!(error.message(), "Sorry, there is no sync named \"c\"");
    }
}
