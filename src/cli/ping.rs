//! `ping`: asks the daemon for a sign of life (reference, 3.4).

use crate::cli::answer::{Patience, ask};
use crate::cli::{Session, help, presence, table::Topic};
use crate::error::Result;
use crate::say;

/// Usage texts.
pub const TOPICS: &[Topic] = &[help::only(
    "Usage: ping [# of seconds]

  ping
  ping 5",
)];

/// Seconds to wait when none are given.
const DEFAULT: u64 = 15;

/// `ping [SECONDS]`. A second word that is true silences it, as `--quiet` does.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let Some(seconds) = seconds(nouns.first().map(String::as_str)) else {
        return Ok(help::usage(session.personality, "ping", &[]));
    };
    let quiet = session.options.quiet || nouns.get(1).is_some_and(|word| !word.is_empty() && word != "0");
    if session.options.verbose > 0 {
        say!("Pinging MCP, timeout = {seconds}");
    }
    // Without a limit, a daemon that is yet to come is waited for.
    if let Some(absent) = presence::absent(session)?.filter(|_| seconds > 0) {
        if !quiet {
            say!("CRITICAL: {absent}, no ping response from MCP");
        }
        return Ok(1);
    }
    let patience = Patience::new(seconds).even_without_daemon();
    let pong = ask(&mut session.control, "bucardo_mcp_ping", "bucardo_mcp_pong", patience)?;
    let (text, code) = match pong {
        Some(pong) => (format!("OK: Got response from PID {}", pong.pid), 0),
        None => (format!("CRITICAL: Timed out ({seconds} s), no ping response from MCP"), 1),
    };
    if !quiet {
        say!("{text}");
    }
    Ok(code)
}

/// The limit; none if the word is no number.
fn seconds(word: Option<&str>) -> Option<u64> {
    match word {
        None => Some(DEFAULT),
        Some(word) if word.bytes().all(|byte| byte.is_ascii_digit()) => word.parse().ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_a_time() {
        assert_eq!([None, Some("0"), Some("7"), Some("soon"), Some("")].map(seconds), [Some(15), Some(0), Some(7), None, None]);
    }
}
