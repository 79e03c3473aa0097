//! `status --watch`: the same again and again, until Ctrl-C or until its output is closed. A
//! control database that goes away is waited for.

use super::once;
use super::screen::Screen;
use crate::cli::{Session, interrupt, output};
use crate::error::{Error, Kind, Result};
use crate::notice::clock;
use crate::pg::Connection;
use crate::replicate::sync::waiting::Sources;
use std::time::{Duration, SystemTime};

/// How to begin with an empty terminal.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// What was shown last.
#[derive(Default)]
struct Shown {
    /// When it was so, and what was seen.
    good: Option<(SystemTime, String)>,
}

/// Shows it until it is interrupted. An error at the first look ends it, and later one of the words
/// that were typed (a sync that is gone).
pub fn run(session: &mut Session, nouns: &[String], pause: Duration) -> Result<u8> {
    interrupt::expect();
    let (mut shown, mut sources) = (Shown::default(), Sources::default());
    if Screen::now().is_some() {
        output::raw(CLEAR);
    }
    while output::is_read() {
        let screen = Screen::now();
        let (looked, text) = look(session, nouns, &mut sources, screen);
        let text = match looked {
            Ok(()) => {
                shown.good = Some((SystemTime::now(), text.clone()));
                text
            }
            Err(error) => shown.without_connection(error)?,
        };
        match screen {
            Some(screen) => output::raw(&screen.picture(&text)),
            None => output::raw(&format!("{text}\n")),
        }
        std::thread::sleep(pause);
    }
    Ok(0)
}

/// What `status` prints, as one text: it is written at once, so that Ctrl-C leaves no half of it.
fn look(session: &mut Session, nouns: &[String], sources: &mut Sources, screen: Option<Screen>) -> (Result<()>, String) {
    if session.control.is_closed() {
        match Connection::open(&session.info) {
            Ok(control) => session.control = control,
            Err(error) => return (Err(error), String::new()),
        }
    }
    let (outcome, text) = output::gathered(|| once(session, nouns, sources, screen));
    (outcome.map(drop), text)
}

impl Shown {
    /// What was so last, and since when it is not known any more whether it still is.
    fn without_connection(&self, error: Error) -> Result<String> {
        let (Some((since, text)), false) = (&self.good, ends(error.kind())) else { return Err(error) };
        let reason = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(format!("No connection since {}: {reason}\n{text}", clock::local(*since)))
    }
}

/// Whether it would be the same at the next look.
fn ends(kind: Kind) -> bool {
    matches!(kind, Kind::Usage | Kind::Refused | Kind::NotFound | Kind::Bug)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_was_seen_last_stays_with_the_time_since_when() {
        let lost = || Error::new(Kind::Lost, "the connection\nis closed");
        assert!(Shown::default().without_connection(lost()).is_err(), "nothing was seen yet");
        let shown = Shown { good: Some((SystemTime::UNIX_EPOCH, "table\n".to_owned())) };
        let text = shown.without_connection(lost()).unwrap();
        assert!(text.starts_with("No connection since ") && text.ends_with(": the connection is closed\ntable\n"), "{text}");
        assert!(shown.without_connection(Error::new(Kind::NotFound, "No such sync: x")).is_err());
    }
}
