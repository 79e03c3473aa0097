//! How conflicts between masters are decided, in the words of both dialects.

use crate::cli::refusal;
use crate::error::Result;
use crate::pg::Connection;

/// The newest change wins: what is done when nothing is said.
pub const LATEST: &str = "bucardo_latest";

const KNOWN: [&str; 7] =
    ["bucardo_source", "bucardo_target", "bucardo_skip", "bucardo_random", LATEST, "bucardo_latest_all_tables", "bucardo_abort"];

/// A strategy as it is stored: one of the known words, with or without `bucardo_`, or names of databases.
pub fn strategy(control: &mut Connection, text: &str) -> Result<String> {
    if let Some(known) = known(text) {
        return Ok(known.to_owned());
    }
    let names: Vec<&str> = text.split([',', ' ']).filter(|name| !name.is_empty()).collect();
    for name in &names {
        if control.query_opt("select from bucardo.db where name = $1", &[name])?.is_none() {
            let hint = "it is latest, source, target, skip, random, abort, or names of databases in the order in which they win";
            return Err(refusal::refused(format!("\"{name}\" is no conflict strategy, and no database"), hint));
        }
    }
    Ok(names.join(" "))
}

fn known(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    if text == "default" {
        return Some(LATEST);
    }
    KNOWN.into_iter().find(|known| *known == text || known.strip_prefix("bucardo_") == Some(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_may_be_written_with_or_without_its_first_part() {
        assert_eq!(known("Latest"), Some("bucardo_latest"));
        assert_eq!(known("bucardo_skip"), Some("bucardo_skip"));
        assert_eq!(known("default"), Some("bucardo_latest"));
        assert_eq!(known("A B"), None);
    }
}
