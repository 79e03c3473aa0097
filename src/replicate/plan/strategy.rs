//! Who wins when several masters changed the same row or sequence (reference, sections 1.2 and
//! 5.8).

use crate::error::{Error, Kind, Result};
use crate::replicate::plan::sequence_numbers::Numbers;
use std::cmp::Ordering;

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
    /// Whoever changed it last, by the clocks of the databases; at the same moment the first
    /// master.
    #[default]
    Latest,
    /// The master that changed anything last wins all conflicts of a round; see [`Ranks`].
    LatestAllTables(Ranks),
    /// The masters win in the order in which the sync names them; see [`Ranks`].
    Listed(Ranks),
    /// The round fails.
    Abort,
}

/// The place of each master in the order in which masters win, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranks([u8; MOST_MASTERS]);

/// As many as have a bit each in the meeting of keys.
const MOST_MASTERS: usize = 63;

/// The state of a master's sequence now and, where it is known, when sequences were last carried.
pub type State = (Numbers, Option<Numbers>);

/// The same for sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SequenceStrategy {
    /// The first master's value.
    Source,
    /// The last master's value.
    Target,
    /// Each keeps its own.
    Skip,
    /// The lowest number.
    Lowest,
    /// The number that has come furthest: the highest, or of a descending sequence the lowest.
    #[default]
    Highest,
}

const STRATEGIES: [(&str, Strategy); 7] = [
    ("latest", Strategy::Latest),
    ("latest_all_tables", Strategy::LatestAllTables(Ranks::EQUAL)),
    ("source", Strategy::Source),
    ("target", Strategy::Target),
    ("skip", Strategy::Skip),
    ("random", Strategy::Random),
    ("abort", Strategy::Abort),
];

const SEQUENCE_STRATEGIES: [(&str, SequenceStrategy); 5] = [
    ("source", SequenceStrategy::Source),
    ("target", SequenceStrategy::Target),
    ("skip", SequenceStrategy::Skip),
    ("lowest", SequenceStrategy::Lowest),
    ("highest", SequenceStrategy::Highest),
];

/// The words for all strategies but lists of masters.
pub fn words() -> impl Iterator<Item = &'static str> {
    STRATEGIES.iter().map(|(word, _)| *word)
}

/// Reads a word, also as Bucardo 5.6 writes it (`bucardo_latest`).
fn read<T: Copy + Default>(word: Option<&str>, words: &[(&str, T)]) -> Option<T> {
    let Some(word) = word.filter(|word| !word.is_empty()) else { return Some(T::default()) };
    let bare = word.strip_prefix("bucardo_").unwrap_or(word);
    words.iter().find(|(name, _)| *name == bare).map(|(_, strategy)| *strategy)
}

fn unknown<T>(word: Option<&str>, words: &[(&str, T)], more: &str) -> Error {
    let all: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    let word = word.unwrap_or_default();
    Error::new(Kind::Mismatch, format!("\"{word}\" is no way to decide a conflict; use one of {}{more}", all.join(", ")))
}

impl Ranks {
    const EQUAL: Ranks = Ranks([0; MOST_MASTERS]);

    /// The masters with these numbers win in this order, before all others.
    pub fn of(order: impl IntoIterator<Item = usize>) -> Ranks {
        let mut ranks = [u8::MAX; MOST_MASTERS];
        for (rank, master) in (0..).zip(order) {
            if let Some(place) = ranks.get_mut(master) {
                *place = rank.min(*place);
            }
        }
        Ranks(ranks)
    }

    /// The rank of a master whose number is an expression, as SQL.
    pub(in crate::replicate) fn of_member(&self, member: &str) -> String {
        let ranks: Vec<String> = self.0.iter().map(u8::to_string).collect();
        format!("(array[{}])[{member} + 1]", ranks.join(","))
    }

    /// Whether one master wins over another, as SQL.
    pub(in crate::replicate) fn before(&self, member: &str, other: &str) -> String {
        format!("({}, {member}) < ({}, {other})", self.of_member(member), self.of_member(other))
    }
}

/// The numbers of members by their names; none where a name is no member's.
fn numbers(list: &str, members: &[String]) -> Option<Vec<usize>> {
    let names = list.split([',', ' ']).filter(|name| !name.is_empty());
    names.map(|name| members.iter().position(|member| member == name)).collect()
}

impl Strategy {
    /// Reads a word, or names of members, which are those of the masters and then of the targets;
    /// none is the default, `latest`.
    pub fn parse(word: Option<&str>, members: &[String]) -> Result<Strategy> {
        let listed = || Some(Strategy::Listed(Ranks::of(numbers(word?, members)?)));
        let more = ", or name masters in the order in which they win";
        read(word, &STRATEGIES).or_else(listed).ok_or_else(|| unknown(word, &STRATEGIES, more))
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Strategy::LatestAllTables(_) => "latest_all_tables",
            Strategy::Listed(_) => "listed",
            _ => STRATEGIES.iter().find(|(_, strategy)| *strategy == self).map_or("", |(word, _)| word),
        }
    }

    /// The order in which candidates with columns `member` and `changed` are preferred, as SQL.
    pub(in crate::replicate) fn order(self) -> String {
        let order = match self {
            Strategy::Listed(ranks) | Strategy::LatestAllTables(ranks) => {
                return format!("{}, member", ranks.of_member("member"));
            }
            Strategy::Source | Strategy::Skip | Strategy::Abort => "member",
            Strategy::Target => "member desc",
            Strategy::Random => "random()",
            Strategy::Latest => "changed desc, member",
        };
        order.to_owned()
    }
}

impl SequenceStrategy {
    /// Reads a word for the sequence; where there is none, that of the sync counts, if it means
    /// anything for sequences. The default is `highest`.
    pub fn parse(word: Option<&str>, of_sync: Option<&str>) -> Result<SequenceStrategy> {
        match word.filter(|word| !word.is_empty()) {
            Some(_) => read(word, &SEQUENCE_STRATEGIES).ok_or_else(|| unknown(word, &SEQUENCE_STRATEGIES, "")),
            None => Ok(read(of_sync, &SEQUENCE_STRATEGIES).unwrap_or_default()),
        }
    }

    /// Which of the masters' sequences wins, given their states now and before; none: each keeps
    /// its own. Where several are as good, it is the first.
    pub fn winner(self, states: &[State]) -> Option<usize> {
        let best = |better: fn(&State, &State) -> bool| {
            (1..states.len()).fold((!states.is_empty()).then_some(0), |best, place| match best {
                Some(best) if better(&states[place], &states[best]) => Some(place),
                best => best,
            })
        };
        match self {
            SequenceStrategy::Source => Some(0).filter(|_| !states.is_empty()),
            SequenceStrategy::Target => states.len().checked_sub(1),
            SequenceStrategy::Skip => None,
            SequenceStrategy::Lowest => best(|(one, _), (best, _)| (one.last, one.called) < (best.last, best.called)),
            SequenceStrategy::Highest => best(|(one, before), (best, best_before)| {
                one.compare(before.as_ref(), best, best_before.as_ref()) == Ordering::Greater
            }),
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
            assert_eq!(Strategy::parse(Some(word), &[]).unwrap(), strategy);
            assert_eq!(Strategy::parse(Some(&format!("bucardo_{word}")), &[]).unwrap(), strategy);
            assert_eq!(strategy.word(), word);
        }
        assert_eq!(Strategy::parse(None, &[]).unwrap(), Strategy::Latest);
        assert_eq!(Strategy::parse(Some("lowest"), &[]).unwrap_err().kind(), Kind::Mismatch);
    }

    #[test]
    fn masters_that_are_named_win_in_that_order_and_before_all_others() {
        let members = ["A", "B", "C", "D"].map(str::to_owned);
        let listed = |ranks: &[u8]| {
            let mut all = [u8::MAX; MOST_MASTERS];
            all[..ranks.len()].copy_from_slice(ranks);
            Strategy::Listed(Ranks(all))
        };
        assert_eq!(Strategy::parse(Some("C A"), &members).unwrap(), listed(&[1, u8::MAX, 0]));
        assert_eq!(Strategy::parse(Some("B,A, B"), &members).unwrap(), listed(&[1, 0]));
        assert_eq!(Strategy::parse(Some("B X"), &members).unwrap_err().kind(), Kind::Mismatch);
    }

    #[test]
    fn the_winning_sequence_is_the_same_wherever_it_is_asked() {
        let state = |last, called, increment| Numbers { last, called, increment, min: i64::MIN, max: i64::MAX, cycle: false };
        let values = [(5, true), (9, false), (9, true), (5, false)].map(|(last, called)| (state(last, called, 1), None));
        let winner = |strategy: SequenceStrategy| strategy.winner(&values);
        assert_eq!(winner(SequenceStrategy::Source), Some(0));
        assert_eq!(winner(SequenceStrategy::Target), Some(3));
        assert_eq!(winner(SequenceStrategy::Skip), None);
        assert_eq!(winner(SequenceStrategy::Lowest), Some(3), "5 that was not given out yet is lower");
        assert_eq!(winner(SequenceStrategy::Highest), Some(2));
        assert_eq!(SequenceStrategy::Highest.winner(&[values[0], values[0]]), Some(0), "equal values: the first");
        let down = [5, 3, 9].map(|last| (state(last, true, -1), None));
        assert_eq!((SequenceStrategy::Highest.winner(&down), SequenceStrategy::Lowest.winner(&down)), (Some(1), Some(1)));
    }
}
