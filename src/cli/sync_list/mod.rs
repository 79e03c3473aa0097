//! Which syncs the words after `kick`, `activate` and `deactivate` mean (reference, 2.3).

pub mod newer;
mod pattern;
mod stored;

use crate::cli::{Session, near, refusal};
use crate::error::Result;
use pattern::Pattern;

pub use stored::stored;

/// What to do about a sync that is not there.
pub const SYNCS: &str = "`list sync` shows the syncs there are";

/// The same, with a guess at which one was meant.
pub fn meant<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    near::question(word, names).map_or_else(|| SYNCS.to_owned(), |question| format!("{question} {SYNCS}"))
}

/// What may follow "all".
const KINDS: &str = "after \"all\" there may be kinds of syncs, the word \"active\" and a number, but no names";

/// A sync as far as these verbs need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// `pushdelta`, `fullcopy` or `swap`.
    pub synctype: String,
    /// `active`, or anything else.
    pub status: String,
    /// Higher goes first when all are meant.
    pub priority: i16,
    /// The databases it writes to.
    pub targets: Vec<String>,
}

impl Listed {
    /// Whether the table says that this sync is to run.
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }
}

/// What the words mean.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The syncs, in the order in which they are to be served; a sync named twice is served twice.
    pub syncs: Vec<Listed>,
    /// The number among the words.
    pub seconds: Option<u64>,
}

/// Resolves `words` in the dialect of the session.
pub fn resolve_for(session: &Session, words: &[String], syncs: &[Listed], verb: &str) -> Result<Selection> {
    match session.dialect().newer {
        true => newer::resolve(words, syncs),
        false => resolve(words, syncs, &format!("{} {verb}", session.prog)),
    }
}

/// Resolves `words` against the syncs there are, which come ordered by name. `usage` is the program
/// and verb as typed.
pub fn resolve(words: &[String], syncs: &[Listed], usage: &str) -> Result<Selection> {
    let seconds = words.iter().rev().find_map(|word| number(word));
    let mut named = words.iter().filter(|word| number(word).is_none());
    let mut chosen = Vec::new();
    while let Some(word) = named.next() {
        if word == "all" {
            return Ok(Selection { syncs: everything(named, syncs, usage)?, seconds });
        }
        chosen.extend(meant_by(word, syncs)?);
    }
    Ok(Selection { syncs: chosen, seconds })
}

/// Whether the words name no sync at all: there are none, or only numbers.
pub fn names_nothing(words: &[String]) -> bool {
    words.iter().all(|word| number(word).is_some())
}

/// A word of digits only. More than fits is as good as for ever.
fn number(word: &str) -> Option<u64> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| word.parse().unwrap_or(u64::MAX))
}

fn meant_by(word: &str, syncs: &[Listed]) -> Result<Vec<Listed>> {
    if let Some(pattern) = Pattern::of(word) {
        return Ok(syncs.iter().filter(|sync| pattern.matches(&sync.name)).cloned().collect());
    }
    match syncs.iter().find(|sync| sync.name == *word) {
        Some(sync) => Ok(vec![sync.clone()]),
        None if word == "sync" => Ok(Vec::new()),
        None => Err(refusal::missing(
            format!("Sync \"{word}\" does not appear to exist"),
            meant(word, syncs.iter().map(|sync| &*sync.name)),
        )),
    }
}

/// Every sync that passes the words after `all`: kinds are alternatives, `active` is a further
/// condition.
fn everything<'a>(words: impl Iterator<Item = &'a String>, syncs: &[Listed], usage: &str) -> Result<Vec<Listed>> {
    let (mut kinds, mut only_active) = (Vec::new(), false);
    for word in words {
        match word.to_lowercase().as_str() {
            "copy" | "fullcopy" => kinds.push("fullcopy"),
            "delta" | "pushdelta" => kinds.push("pushdelta"),
            "swap" => kinds.push("swap"),
            "active" => only_active = true,
            _ => return Err(refusal::refused(format!("Usage: {usage} all [copy|delta|swap]"), KINDS)),
        }
    }
    let passes = |sync: &&Listed| (kinds.is_empty() || kinds.contains(&&*sync.synctype)) && (!only_active || sync.is_active());
    let mut chosen: Vec<Listed> = syncs.iter().filter(passes).cloned().collect();
    chosen.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.name.cmp(&b.name)));
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    fn syncs() -> Vec<Listed> {
        let sync = |name: &str, synctype: &str, status: &str, priority| Listed {
            name: name.to_owned(),
            synctype: synctype.to_owned(),
            status: status.to_owned(),
            priority,
            targets: vec!["B".to_owned()],
        };
        vec![
            sync("copies", "fullcopy", "inactive", 0),
            sync("orders", "pushdelta", "active", 0),
            sync("stock", "pushdelta", "inactive", 7),
            sync("swapped", "swap", "active", 0),
        ]
    }

    fn chosen(words: &str) -> Result<(Vec<String>, Option<u64>)> {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let selection = resolve(&words, &syncs(), "bucardo_ctl kick")?;
        Ok((selection.syncs.into_iter().map(|sync| sync.name).collect(), selection.seconds))
    }

    fn names(words: &str) -> Vec<String> {
        chosen(words).unwrap().0
    }

    #[test]
    fn a_number_is_a_time_wherever_it_stands_and_the_last_one_counts() {
        assert_eq!(chosen("5 orders 0 stock").unwrap(), (vec!["orders".to_owned(), "stock".to_owned()], Some(0)));
        assert_eq!(chosen("orders").unwrap().1, None);
        assert_eq!(chosen("orders 99999999999999999999999").unwrap().1, Some(u64::MAX));
    }

    #[test]
    fn names_keep_their_order_and_repeat() {
        assert_eq!(names("sync stock orders stock"), ["stock", "orders", "stock"]);
        assert_eq!(names("s%"), ["stock", "swapped"]);
        assert_eq!(names("nothing*"), [""; 0]);
    }

    #[test]
    fn all_goes_by_priority_then_name_and_can_be_narrowed() {
        assert_eq!(names("all"), ["stock", "copies", "orders", "swapped"]);
        assert_eq!(names("all Delta copy"), ["stock", "copies", "orders"]);
        assert_eq!(names("all delta swap ACTIVE 0"), ["orders", "swapped"]);
        assert_eq!(names("orders all swap"), ["swapped"]);
    }

    #[test]
    fn an_unknown_name_or_modifier_is_refused() {
        assert_eq!(chosen("orders nosuch").unwrap_err().message(), "Sync \"nosuch\" does not appear to exist");
        assert_eq!(chosen("Orders").unwrap_err().message(), "Sync \"Orders\" does not appear to exist");
        assert_eq!(chosen("all fast").unwrap_err().message(), "Usage: bucardo_ctl kick all [copy|delta|swap]");
    }
}
