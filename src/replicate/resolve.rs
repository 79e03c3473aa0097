//! Who wins when several masters changed the same row or sequence (reference, sections 1.2 and 5.8).

use crate::error::{Error, Kind, Result};

/// How a conflict is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// The first master wins.
    Source,
    /// The last master wins.
    Target,
    /// Nobody does: each keeps its own.
    Skip,
    /// Chance decides, once for all.
    Random,
    /// Whoever changed it last, by the clocks of the databases; at the same moment the first master.
    #[default]
    Latest,
    /// The round fails.
    Abort,
}

/// The same for sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SequenceStrategy {
    /// The first master's value.
    Source,
    /// The last master's value.
    Target,
    /// Each keeps its own.
    Skip,
    /// The lowest value.
    Lowest,
    /// The highest value.
    #[default]
    Highest,
}

const STRATEGIES: [(&str, Strategy); 6] = [
    ("source", Strategy::Source),
    ("target", Strategy::Target),
    ("skip", Strategy::Skip),
    ("random", Strategy::Random),
    ("latest", Strategy::Latest),
    ("abort", Strategy::Abort),
];

const SEQUENCE_STRATEGIES: [(&str, SequenceStrategy); 5] = [
    ("source", SequenceStrategy::Source),
    ("target", SequenceStrategy::Target),
    ("skip", SequenceStrategy::Skip),
    ("lowest", SequenceStrategy::Lowest),
    ("highest", SequenceStrategy::Highest),
];

/// Reads a word, also as Bucardo 5.6 writes it (`bucardo_latest`).
fn read<T: Copy + Default>(word: Option<&str>, words: &[(&str, T)]) -> Result<T> {
    let Some(word) = word.filter(|word| !word.is_empty()) else { return Ok(T::default()) };
    let bare = word.strip_prefix("bucardo_").unwrap_or(word);
    let found = words.iter().find(|(name, _)| *name == bare).map(|(_, strategy)| *strategy);
    found.ok_or_else(|| {
        let all: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        Error::new(Kind::Mismatch, format!("\"{word}\" is no way to decide a conflict; use one of {}", all.join(", ")))
    })
}

impl Strategy {
    /// Reads a word; none is the default, `latest`.
    pub fn parse(word: Option<&str>) -> Result<Strategy> {
        read(word, &STRATEGIES)
    }

    /// The word.
    pub fn word(self) -> &'static str {
        STRATEGIES.iter().find(|(_, strategy)| *strategy == self).map_or("", |(word, _)| word)
    }

    /// The order in which candidates with columns `member` and `changed` are preferred, as SQL.
    pub(super) fn order(self) -> &'static str {
        match self {
            Strategy::Source | Strategy::Skip | Strategy::Abort => "member",
            Strategy::Target => "member desc",
            Strategy::Random => "random()",
            Strategy::Latest => "changed desc, member",
        }
    }
}

impl SequenceStrategy {
    /// Reads a word; none is the default, `highest`.
    pub fn parse(word: Option<&str>) -> Result<SequenceStrategy> {
        read(word, &SEQUENCE_STRATEGIES)
    }

    /// Which of the values that masters have wins; none: each keeps its own.
    pub fn winner(self, values: &[(i64, bool)]) -> Option<usize> {
        let by_value = || values.iter().enumerate();
        match self {
            SequenceStrategy::Source => Some(0).filter(|_| !values.is_empty()),
            SequenceStrategy::Target => values.len().checked_sub(1),
            SequenceStrategy::Skip => None,
            SequenceStrategy::Lowest => by_value().min_by_key(|(place, value)| (**value, *place)).map(|(place, _)| place),
            SequenceStrategy::Highest => {
                by_value().max_by_key(|(place, value)| (**value, -(*place as i64))).map(|(place, _)| place)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    #[test]
    fn words_of_both_dialects_are_read_and_others_refused() {
        for (word, strategy) in STRATEGIES {
            assert_eq!(Strategy::parse(Some(word)).unwrap(), strategy);
            assert_eq!(Strategy::parse(Some(&format!("bucardo_{word}"))).unwrap(), strategy);
            assert_eq!(strategy.word(), word);
        }
        assert_eq!(Strategy::parse(None).unwrap(), Strategy::Latest);
        assert_eq!(Strategy::parse(Some("lowest")).unwrap_err().kind(), Kind::Mismatch);
    }

    #[test]
    fn the_winning_sequence_is_the_same_wherever_it_is_asked() {
        let values = [(5, true), (9, false), (9, true), (5, false)];
        let winner = |strategy: SequenceStrategy| strategy.winner(&values);
        assert_eq!(winner(SequenceStrategy::Source), Some(0));
        assert_eq!(winner(SequenceStrategy::Target), Some(3));
        assert_eq!(winner(SequenceStrategy::Skip), None);
        assert_eq!(winner(SequenceStrategy::Lowest), Some(3), "5 that was not given out yet is lower");
        assert_eq!(winner(SequenceStrategy::Highest), Some(2));
        assert_eq!(SequenceStrategy::Highest.winner(&[(1, true), (1, true)]), Some(0), "equal values: the first");
    }
}
