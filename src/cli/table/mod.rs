//! The command line as data: one table of verbs, one table of options. The parser, the help, the
//! man page and the shell completion are all made from these rows, so that they cannot contradict
//! each other.

mod options;
mod verbs;

use crate::cli::pairs::Key;
use crate::cli::prog::Personality;
use crate::cli::{Invocation, Session};
use crate::error::Result;

pub use options::OPTIONS;
pub use verbs::VERBS;

/// A verb: what follows the program's name.
pub struct Verb {
    /// Its name.
    pub name: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// Its arguments, on one line.
    pub arguments: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Usage texts for `help VERB [TYPE]`.
    pub topics: &'static [Topic],
    /// What may follow it, for completion.
    pub follows: Follows,
    /// Whether it stores something in the control database that can be rehearsed and asked about.
    pub stores: bool,
    /// The function that does it.
    pub run: Run,
}

/// What the words after a verb are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// Nothing that could be completed.
    Nothing,
    /// Names of syncs.
    Syncs,
    /// A noun and names.
    Nouns,
    /// Names of databases, or a word for all of them.
    Dbs,
    /// The name of a database.
    Db,
    /// Names of settings.
    Settings,
    /// Verbs.
    Verbs,
}

/// The function of a verb; exit code as result.
pub enum Run {
    /// Needs the control database.
    Connected(fn(&mut Session, &[String]) -> Result<u8>),
    /// Runs without it.
    Alone(fn(&Invocation) -> Result<u8>),
}

/// A usage text. `{verb}` in it stands for the verb as typed.
pub struct Topic {
    /// The words it answers to after `help VERB`; none: the text of the verb itself.
    pub words: &'static [&'static str],
    /// The text; its first line begins with `Usage:`.
    pub text: &'static str,
    /// The text for the newer dialect, where that one has other words.
    pub newer: Option<&'static str>,
    /// The keys that stand in the place of `{keys}` in the texts.
    pub keys: &'static [Key],
}

impl Topic {
    /// The same with another text for the newer dialect.
    pub const fn or_newer(self, text: &'static str) -> Topic {
        Topic { newer: Some(text), ..self }
    }

    /// The same with a table of keys.
    pub const fn with(self, keys: &'static [Key]) -> Topic {
        Topic { keys, ..self }
    }

    /// The text in a dialect.
    pub fn of(&self, personality: Personality) -> &'static str {
        self.newer.filter(|_| personality.dialect().newer).unwrap_or(self.text)
    }
}

/// An option, given on the command line or, without its dashes, in an rc file.
pub struct Opt {
    /// Its name without dashes.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// What it takes.
    pub takes: Takes,
    /// Its value when not given.
    pub default: Option<&'static str>,
    /// What its value is called in help.
    pub placeholder: &'static str,
    /// What it means.
    pub help: &'static str,
    /// Which program had it. A foreign option is accepted, but never makes an abbreviation
    /// ambiguous that was not.
    pub native: Native,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Flag,
    /// Nothing, and repeating it means more.
    Counter,
    /// A text.
    Text,
    /// A whole number, with or without sign.
    Integer,
    /// A whole number, or nothing, which counts as 1.
    Switch,
    /// A text; may be repeated.
    List,
}

impl Takes {
    /// Whether a value follows.
    pub fn value(self) -> bool {
        !matches!(self, Takes::Flag | Takes::Counter)
    }
}

/// The dialects an option belongs to by origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Native {
    /// 4.5 and 5.6.
    Both,
    /// Only 4.5.
    Four,
    /// Only 5.6.
    Five,
    /// Neither: ours.
    New,
}

impl Native {
    /// Whether `personality` had the option.
    pub fn to(self, personality: Personality) -> bool {
        match personality {
            Personality::BucardoCtl4 => matches!(self, Native::Both | Native::Four),
            Personality::Bucardo5 => matches!(self, Native::Both | Native::Five),
        }
    }
}

/// The verb called `word`, in any case; or one of which the newer dialect knows beginnings and
/// slips of the fingers.
pub fn verb(word: &str) -> Option<&'static Verb> {
    let word = word.to_lowercase();
    let exact = |word: &str| VERBS.iter().find(|verb| verb.name == word || verb.aliases.contains(&word));
    exact(&word).or_else(|| exact(slip(&word)?))
}

fn slip(word: &str) -> Option<&'static str> {
    let begins = |starts: &[&str]| starts.iter().any(|start| word.starts_with(start));
    match () {
        () if word.contains("instal") => Some("install"),
        () if begins(&["upgr", "uprgade", "ugprade"]) => Some("upgrade"),
        () if begins(&["vali"]) => Some("validate"),
        () => None,
    }
}

/// A verb and its first noun, written as one word: `add_db`, `reload_config`.
pub fn verb_and_noun(word: &str) -> Option<(&'static Verb, &str)> {
    let (start, noun) = word.rsplit_once('_').filter(|(_, noun)| !noun.is_empty())?;
    Some((verb(start)?, noun))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn no_name_means_two_things() {
        let mut names: Vec<_> = VERBS.iter().flat_map(|v| v.aliases.iter().chain([&v.name])).collect();
        let mut options: Vec<_> = OPTIONS.iter().flat_map(|o| o.aliases.iter().chain([&o.name])).collect();
        for list in [&mut names, &mut options] {
            let before = list.len();
            list.sort();
            list.dedup();
            assert_eq!(list.len(), before, "{list:?}");
        }
    }

    #[test]
    fn every_usage_text_begins_with_usage_and_ends_without_newline() {
        for topic in VERBS.iter().flat_map(|verb| verb.topics) {
            for text in [Personality::BucardoCtl4, Personality::Bucardo5].map(|personality| topic.of(personality)) {
                assert!(text.starts_with("Usage: ") && !text.ends_with('\n'), "{text}");
            }
        }
    }

    #[test]
    fn a_verb_is_found_in_any_case_and_by_its_alias() {
        assert_eq!(verb("LiSt").unwrap().name, "list");
        assert_eq!(verb("delete").unwrap().name, "remove");
        assert!(verb("lis").is_none());
    }
}
