//! How conflicts between masters are decided, in the words of both dialects.

use crate::cli::refusal;
use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::plan::strategy;

/// The newest change wins: what is done when nothing is said.
pub const LATEST: &str = "bucardo_latest";

/// What the stored words begin with, as those of the newer program do.
const PREFIX: &str = "bucardo_";

/// A strategy as it is stored: one of the known words, with or without `bucardo_`, or names of
/// databases.
pub fn strategy(control: &mut Connection, text: &str) -> Result<String> {
    if let Some(known) = known(text) {
        return Ok(known);
    }
    let names: Vec<&str> = text.split([',', ' ']).filter(|name| !name.is_empty()).collect();
    for name in &names {
        if control.query_opt("select from bucardo.db where name = $1", &[name])?.is_none() {
            let words: Vec<&str> = strategy::words().collect();
            let hint = format!("it is {}, or names of databases in the order in which they win", words.join(", "));
            return Err(refusal::refused(format!("\"{name}\" is no conflict strategy, and no database"), hint));
        }
    }
    Ok(names.join(" "))
}

fn known(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    if text == "default" {
        return Some(LATEST.to_owned());
    }
    let word = text.strip_prefix(PREFIX).unwrap_or(&text);
    strategy::words().find(|known| *known == word).map(|known| format!("{PREFIX}{known}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_may_be_written_with_or_without_its_first_part() {
        assert_eq!(known("Latest").as_deref(), Some(LATEST));
        assert_eq!(known("bucardo_skip").as_deref(), Some("bucardo_skip"));
        assert_eq!(known("default").as_deref(), Some(LATEST));
        assert_eq!(known("A B"), None);
    }
}
