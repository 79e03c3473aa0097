//! Which syncs the words mean in the newer dialect (reference, 8.2): `all` means every sync and
//! ends the reading; whatever matches nothing is refused, with a list of what would have been
//! something.

use super::{Listed, Selection, number};
use crate::cli::{near, refusal};
use crate::error::{Error, Result};

/// Resolves `words` against the syncs there are, which come ordered by name.
pub fn resolve(words: &[String], syncs: &[Listed]) -> Result<Selection> {
    if syncs.is_empty() {
        return Err(refusal::missing("No syncs have been created yet!", "`add sync` adds one"));
    }
    let mut selection = Selection::default();
    for word in words.iter().filter(|word| !["sync", "syncs"].contains(&word.to_lowercase().as_str())) {
        if let Some(seconds) = number(word) {
            selection.seconds = Some(seconds);
        } else if word.eq_ignore_ascii_case("all") {
            selection.syncs = syncs.to_vec();
            return Ok(selection);
        } else {
            let found: Vec<_> = syncs.iter().filter(|sync| matches(word, &sync.name)).cloned().collect();
            if found.is_empty() {
                return Err(unknown(Some(word), !selection.syncs.is_empty(), syncs));
            }
            selection.syncs.extend(found);
        }
    }
    if selection.syncs.is_empty() { Err(unknown(None, false, syncs)) } else { Ok(selection) }
}

/// The word is named only where one before it was all right.
fn unknown(word: Option<&str>, named: bool, syncs: &[Listed]) -> Error {
    let first = match word.filter(|_| named) {
        Some(word) => format!("Sync \"{word}\" does not appear to exist"),
        None => "No matching syncs were found".to_owned(),
    };
    let question = word.and_then(|word| near::question(word, syncs.iter().map(|sync| &*sync.name)));
    let active: String = syncs.iter().filter(|sync| sync.is_active()).map(|sync| format!("\n {}", sync.name)).collect();
    refusal::missing(
        format!("{first}\nActive syncs:{active}"),
        near::ahead(question, "names are case-sensitive; * and % stand for any characters"),
    )
}

/// The whole name must match; `*` and `%` stand for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split(['*', '%']);
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn names(words: &str) -> Result<(Vec<String>, Option<u64>)> {
        let sync = |name: &str, status: &str| Listed {
            name: name.to_owned(),
            synctype: "pushdelta".to_owned(),
            status: status.to_owned(),
            priority: 0,
            targets: vec![],
        };
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let selection = resolve(&words, &[sync("s1", "active"), sync("s2", "active"), sync("t", "inactive")])?;
        Ok((selection.syncs.into_iter().map(|sync| sync.name).collect(), selection.seconds))
    }

    #[test]
    fn all_ends_the_reading() {
        assert_eq!(names("all 0").unwrap(), (vec!["s1".to_owned(), "s2".to_owned(), "t".to_owned()], None));
        assert_eq!(names("0 all").unwrap().1, Some(0));
    }

    #[test]
    fn wildcards_match_the_whole_name() {
        assert_eq!(names("sync s* 5").unwrap(), (vec!["s1".to_owned(), "s2".to_owned()], Some(5)));
        assert!(matches("a%c*e", "abcde") && !matches("a%c", "abcd") && matches("*", "x") && !matches("x", "xy"));
        assert!(!matches("ab*ba", "aba"), "the ends must not overlap");
    }

    #[test]
    fn what_matches_nothing_is_refused_with_what_would_have() {
        assert_eq!(names("x").unwrap_err().message(), "No matching syncs were found\nActive syncs:\n s1\n s2");
        assert!(names("s1 x").unwrap_err().message().starts_with("Sync \"x\" does not appear to exist\nActive syncs:"));
        assert!(names("5").is_err());
        assert_eq!(resolve(&[], &[]).unwrap_err().message(), "No syncs have been created yet!");
    }
}
