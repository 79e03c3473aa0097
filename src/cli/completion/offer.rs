//! What may stand at a place of a command line: decided from the words before it, with the tables
//! of verbs, options and keys.

use crate::cli::Personality;
use crate::cli::add;
use crate::cli::noun::{self, Noun};
use crate::cli::pairs::{Key, Value};
use crate::cli::spelling;
use crate::cli::table::{self, Follows, OPTIONS, Opt, VERBS, Verb};
use crate::cli::topics::SUBJECTS;

/// Something that may stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// A word, and what it means, if that has to be said.
    Word(String, &'static str),
    /// Names that the control database knows, each behind this text.
    Names(String, Names),
}

/// Which names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Those of all things of a kind.
    Of(Noun),
    /// Those of the settings.
    Settings,
    /// Those of the columns in which things of a kind are kept, with an equals sign.
    Columns(Noun),
}

/// The last word of a line, and what stands before it.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// The words before.
    pub before: Vec<String>,
    /// The beginning of the last one.
    pub word: String,
    /// How many bytes of it the shell takes for words that are complete already: bash cuts at `=`
    /// and `:`.
    pub shown: usize,
}

/// The types that verbs are about.
const TYPES: [(&str, &str); 5] = [
    ("add", "all customcode customcols customname db dbgroup herd relgroup sequence sync table"),
    ("list", "conflicts customcode customcols customname db dbgroup herd relgroup sequence sync table"),
    ("remove", "customcode customcols customname db dbgroup herd relgroup sequence sync table"),
    ("update", "customcode db dbgroup sequence sync table"),
    ("inspect", "table"),
];

impl Place {
    /// The place of the last of these words, put together again where bash has cut them.
    pub fn of(words: &[String]) -> Place {
        let mut before: Vec<String> = Vec::new();
        let mut open = false;
        for word in words {
            let sign = word == "=" || word == ":";
            match before.last_mut().filter(|_| sign || open) {
                Some(last) => last.push_str(word),
                None => before.push(word.clone()),
            }
            open = sign;
        }
        let word = before.pop().unwrap_or_default();
        let last = words.last().filter(|_| !open).map_or(0, String::len);
        Place { shown: word.len() - last, before, word }
    }

    /// What may stand there; more than begins as the word does.
    pub fn offers(&self, personality: Personality) -> Vec<Offer> {
        if let Some(option) = self.before.last().and_then(|last| spelling::awaits_value(last, personality)) {
            return of_option(option);
        }
        if self.word.starts_with('-') {
            return options();
        }
        let words = spelling::read(&self.before, personality, false).words;
        let Some((verb, nouns)) = words.split_first() else { return verbs() };
        let Some(verb) = table::verb(&verb.to_lowercase()) else { return Vec::new() };
        let keys = keys(verb, nouns);
        match self.word.split_once('=') {
            Some((key, value)) => of_key(key, value, keys),
            None => follows(verb, nouns, personality, keys),
        }
    }
}

fn words(words: &str) -> Vec<Offer> {
    words.split_whitespace().map(|word| Offer::Word(word.to_owned(), "")).collect()
}

fn names(noun: Noun) -> Vec<Offer> {
    vec![Offer::Names(String::new(), Names::Of(noun))]
}

fn verbs() -> Vec<Offer> {
    VERBS.iter().map(|verb| Offer::Word(verb.name.to_owned(), verb.about)).collect()
}

fn topics() -> Vec<Offer> {
    SUBJECTS.iter().map(|subject| Offer::Word(subject.name.to_owned(), subject.about)).collect()
}

fn options() -> Vec<Offer> {
    let sign = |opt: &Opt| if opt.takes.value() { "=" } else { "" };
    OPTIONS.iter().map(|opt| Offer::Word(format!("--{}{}", opt.name, sign(opt)), opt.help)).collect()
}

/// The value of an option, where it is the name of something.
fn of_option(option: &Opt) -> Vec<Offer> {
    match option.name {
        "db" => names(Noun::Db),
        "herd" => names(Noun::Herd),
        _ => Vec::new(),
    }
}

/// The keys that may be given in a line of this verb.
fn keys(verb: &Verb, nouns: &[String]) -> &'static [Key] {
    match (verb.name, nouns.first()) {
        ("add" | "update", Some(kind)) => noun_of(kind).map_or(&[], add::keys),
        _ => &[],
    }
}

fn noun_of(kind: &str) -> Option<Noun> {
    noun::exact(kind).or_else(|| noun::newer(kind))
}

/// What may follow `key=`. In a list, only its last item is open.
fn of_key(key: &str, value: &str, keys: &[Key]) -> Vec<Offer> {
    let list = value.rfind(',').map_or("", |comma| &value[..=comma]);
    let before = format!("{key}={list}");
    let known = keys.iter().find(|known| known.names.contains(&key));
    let some = |values: &[&str]| values.iter().map(|value| Offer::Word(format!("{before}{value}"), "")).collect();
    let names = |noun: Noun| vec![Offer::Names(before.clone(), Names::Of(noun))];
    match known.map(|key| key.takes) {
        Some(Value::Bool) => return some(&["yes", "no"]),
        Some(Value::OneOf(values) | Value::NumberOf(values)) => return some(values),
        Some(Value::Named(values)) => return some(&values.iter().map(|(name, _)| *name).collect::<Vec<_>>()),
        _ => {}
    }
    match (key, value[list.len()..].split_once(':')) {
        ("dbs" | "dbgroup", Some((db, _))) => {
            some(&["source", "target", "fullcopy"].map(|role| format!("{db}:{role}")).each_ref().map(String::as_str))
        }
        ("db" | "dbs" | "database" | "databases" | "targetdb" | "sourcedb", _) => names(Noun::Db),
        ("source" | "herd" | "relgroup", _) => names(Noun::Herd),
        ("group" | "dbgroup" | "targetgroup", _) => names(Noun::Dbgroup),
        ("sync", _) => names(Noun::Sync),
        ("table" | "tables" | "goat" | "relation" | "relations", _) => names(Noun::Table),
        ("status", _) => some(&["active", "inactive"]),
        _ => Vec::new(),
    }
}

/// What may follow a verb and these words.
fn follows(verb: &Verb, nouns: &[String], personality: Personality, keys: &[Key]) -> Vec<Offer> {
    let newer = personality.dialect().newer;
    match (verb.follows, nouns) {
        (Follows::Nothing, []) => match verb.name {
            "clone" => words("sync="),
            "purge" => words("all"),
            "completion" => words("bash zsh fish"),
            _ => Vec::new(),
        },
        (Follows::Nothing, _) => Vec::new(),
        (Follows::Syncs, _) if ["status", "reload"].contains(&verb.name) && !newer => names(Noun::Sync),
        (Follows::Syncs, _) => [words("all"), names(Noun::Sync)].concat(),
        (Follows::Db, _) => names(Noun::Db),
        (Follows::Dbs, _) => [words("totals"), names(Noun::Db)].concat(),
        (Follows::Settings, _) => [words("all"), vec![Offer::Names(String::new(), Names::Settings)]].concat(),
        (Follows::Verbs, []) => [verbs(), topics()].concat(),
        (Follows::Verbs, [about, ..]) => table::verb(about).map_or(Vec::new(), |verb| types(verb, newer)),
        (Follows::Nouns, []) => types(verb, newer),
        (Follows::Nouns, [all]) if all == "all" => words("tables sequences"),
        (Follows::Nouns, [all, ..]) if all == "all" => words(if newer { "db= relgroup=" } else { "db= herd=" }),
        (Follows::Nouns, [kind, named @ ..]) => noun_of(kind).map_or(Vec::new(), |noun| things(verb, noun, named, keys)),
    }
}

fn types(verb: &Verb, newer: bool) -> Vec<Offer> {
    let found = TYPES.iter().find(|(name, _)| *name == verb.name).map_or("", |(_, types)| types);
    let more = if newer && verb.name == "list" { "all config" } else { "" };
    [words(found), words(more)].concat()
}

/// The names of the things that a line is about, or the keys that it may have then.
fn things(verb: &Verb, noun: Noun, named: &[String], keys: &[Key]) -> Vec<Offer> {
    let all = || keys.iter().map(|key| Offer::Word(format!("{}=", key.names[0]), "")).collect();
    match (verb.name, noun, named) {
        ("add", Noun::Dbgroup, [_, ..]) => names(Noun::Db),
        ("add", Noun::Herd, [_, ..]) => [names(Noun::Table), names(Noun::Sequence)].concat(),
        ("add", _, [_, ..]) => all(),
        ("update", _, [_, ..]) => vec![Offer::Names(String::new(), Names::Columns(noun))],
        ("add", Noun::Db | Noun::Sync | Noun::Customcode | Noun::Table | Noun::Sequence, []) => Vec::new(),
        _ => names(noun),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: &str) -> Place {
        Place::of(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    fn offered(line: &str) -> Vec<Offer> {
        place(line).offers(Personality::BucardoCtl4)
    }

    #[test]
    fn what_bash_cuts_at_signs_is_one_word() {
        for (line, before, word, shown) in [
            ("add sync x source = h", 3, "source=h", 7),
            ("add sync x source =", 3, "source=", 7),
            ("add sync x source = ", 3, "source=", 7),
            ("add sync x dbs = A : source,B : t", 3, "dbs=A:source,B:t", 15),
            ("add sync x source=h", 3, "source=h", 0),
            ("= x", 0, "=x", 1),
            ("", 0, "", 0),
        ] {
            let place = place(line);
            assert_eq!((place.before.len(), place.word.as_str(), place.shown), (before, word, shown), "{line}");
        }
    }

    #[test]
    fn every_verb_and_every_option_is_offered() {
        let words = |line: &str| {
            let word = |offer: Offer| if let Offer::Word(word, _) = offer { Some(word) } else { None };
            offered(line).into_iter().filter_map(word).collect::<Vec<_>>()
        };
        assert!(VERBS.iter().all(|verb| words("").contains(&verb.name.to_owned())));
        let given =
            |opt: &Opt| words("kick --").iter().any(|word| word.trim_start_matches("--").trim_end_matches('=') == opt.name);
        assert!(OPTIONS.iter().all(given));
    }

    #[test]
    fn every_verb_with_types_has_some_to_offer() {
        for verb in VERBS.iter().filter(|verb| verb.follows == Follows::Nouns) {
            assert!(!types(verb, false).is_empty(), "{}", verb.name);
        }
    }

    #[test]
    fn values_are_those_that_the_key_takes() {
        let word = |word: &str| Offer::Word(word.to_owned(), "");
        assert_eq!(offered("add sync x ping="), [word("ping=yes"), word("ping=no")]);
        assert_eq!(offered("add sync x onetimecopy="), ["0", "1", "2"].map(|value| word(&format!("onetimecopy={value}"))));
        assert_eq!(offered("add sync x dbs=A:source,"), [Offer::Names("dbs=A:source,".to_owned(), Names::Of(Noun::Db))]);
        assert!(offered("add sync x dbs=A:source,B:").contains(&word("dbs=A:source,B:target")));
        assert!(offered("add sync x ").contains(&word("onetimecopy=")));
        assert_eq!(offered("kick nosuch=").len() + offered("nosuch x ").len() + offered("kick --retry ").len(), 0);
    }
}
