//! `key=value` words, as the forms of `add` take them (reference, 2.1): which keys there are, what
//! their values may be, and what remains when they are taken out.
//!
//! The original joined all words by blanks and searched the result, so that shell quoting was lost
//! and an empty value swallowed the next word. Here a value ends where its shell word ends, or at
//! the next known key within it; an empty value counts as not given.

use crate::cli::{near, reference};
use crate::error::{Error, Kind, Result};

/// A key that may be given.
pub struct Key {
    /// The column it is for, which is also what it is called here.
    pub column: &'static str,
    /// The names it may be given by.
    pub names: &'static [&'static str],
    /// What its value may be.
    pub takes: Value,
    /// Its value when it is not given; empty where there is none.
    pub default: &'static str,
    /// What it means; empty where the usage text tells it in other ways.
    pub about: &'static str,
    /// Whether its column is set from it as it is.
    pub stored: bool,
}

impl Key {
    /// A key that sets its column.
    pub const fn new(column: &'static str, names: &'static [&'static str], takes: Value) -> Key {
        Key { column, names, takes, default: "", about: "", stored: true }
    }

    /// What the help says of it.
    pub const fn says(self, default: &'static str, about: &'static str) -> Key {
        Key { default, about, ..self }
    }

    /// A key that is no column, or whose column is set by itself.
    pub const fn unstored(self) -> Key {
        Key { stored: false, ..self }
    }
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Anything.
    Text,
    /// Yes or no, in several spellings; read as `1` or `0`.
    Bool,
    /// Digits.
    Number,
    /// A port, or several in the order of their hosts, separated by commas.
    Ports,
    /// A time span; the server knows which texts are some.
    Interval,
    /// One of these, in any case; read as written here.
    OneOf(&'static [&'static str]),
    /// One of these numbers.
    NumberOf(&'static [&'static str]),
    /// One of these names or, in exactly this case, their aliases; read as the name.
    Named(&'static [(&'static str, &'static str)]),
}

/// What a status may be.
pub const STATUS: Value = Value::OneOf(&["active", "inactive"]);

impl Value {
    /// What stands for it in help.
    pub fn placeholder(self) -> String {
        match self {
            Value::Text => "TEXT".to_owned(),
            Value::Bool => "0|1".to_owned(),
            Value::Number | Value::Ports => "NUMBER".to_owned(),
            Value::Interval => "TIME".to_owned(),
            Value::OneOf(words) | Value::NumberOf(words) => words.join("|"),
            Value::Named(words) => words.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("|"),
        }
    }

    /// The SQL type a text has to be cast to for the column.
    pub fn sql_type(self) -> &'static str {
        match self {
            Value::Bool => "boolean",
            Value::Number | Value::NumberOf(_) => "bigint",
            Value::Interval => "interval",
            _ => "text",
        }
    }
}

/// What was given.
#[derive(Default)]
pub struct Pairs {
    given: Vec<(&'static Key, String)>,
    /// The words that are no pairs.
    pub rest: Vec<String>,
}

impl Pairs {
    /// The value for `column`, if given.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.given.iter().find(|(key, _)| key.column == column).map(|(_, value)| value.as_str())
    }

    /// All that was given, each key once.
    pub fn given(&self) -> impl Iterator<Item = (&'static Key, &str)> {
        self.given.iter().map(|(key, value)| (*key, value.as_str()))
    }

    /// Only the pairs for these columns.
    pub fn only(&self, columns: &[&str]) -> Pairs {
        let given = self.given.iter().filter(|(key, _)| columns.contains(&key.column)).cloned().collect();
        Pairs { given, rest: Vec::new() }
    }

    /// The pairs for the `at`th of several things: values that are lists, separated by commas, are
    /// dealt out, and the last one of a list that is too short goes to all the rest.
    pub fn dealt(&self, at: usize) -> Pairs {
        let own = |value: &str| {
            let parts: Vec<&str> = value.split(',').collect();
            parts[at.min(parts.len() - 1)].to_owned()
        };
        Pairs { given: self.given.iter().map(|(key, value)| (*key, own(value))).collect(), rest: Vec::new() }
    }

    /// The pairs alone, as they are.
    pub fn whole(&self) -> Pairs {
        Pairs { given: self.given.clone(), rest: Vec::new() }
    }

    /// The same with a value for `column`, if it has none and there is one.
    pub fn or(&self, keys: &'static [Key], column: &str, value: Option<String>) -> Pairs {
        let mut pairs = Pairs { given: self.given.clone(), rest: self.rest.clone() };
        let key = keys.iter().find(|key| key.column == column).filter(|_| self.get(column).is_none());
        if let (Some(key), Some(value)) = (key, value) {
            pairs.set(key, value);
        }
        pairs
    }

    fn set(&mut self, key: &'static Key, value: String) {
        self.given.retain(|(known, _)| known.column != key.column);
        self.given.push((key, value));
    }
}

/// Reads `words`. An unknown key is refused with `usage`.
pub fn read(words: &[String], keys: &'static [Key], usage: &str) -> Result<Pairs> {
    let mut pairs = Pairs::default();
    for word in &glued(words) {
        take(word, keys, &mut pairs).map_err(|error| with_usage(error, &reference::with_names_of_keys(usage, keys)))?;
    }
    Ok(pairs)
}

/// Reads `words` as the newer dialect does: each is one pair, with an equals sign or a colon, or
/// none; `active` and `inactive` alone are a status. An unknown key is refused, with the usage text
/// on standard output.
pub fn read_newer(words: &[String], keys: &'static [Key], usage: &str) -> Result<Pairs> {
    let mut pairs = Pairs::default();
    for word in &glued(words) {
        let Some((name, value)) = newer_pair(word) else {
            pairs.rest.push(word.clone());
            continue;
        };
        let Some(key) = keys.iter().find(|key| key.names.contains(&name.as_str())) else {
            crate::say_text!("{}", reference::with_names_of_keys(usage, keys));
            let question = unknown(&name, keys).hint_text().map(str::to_owned);
            return Err(Error::new(Kind::Usage, format!("Unknown option '{name}'"))
                .hint(near::ahead(question, "the usage text above lists them"))
                .exit_code(1));
        };
        if !value.is_empty() {
            pairs.set(key, checked(&name, key.takes, value)?);
        }
    }
    Ok(pairs)
}

/// An unknown key, with a guess at the one that was meant.
fn unknown(name: &str, keys: &[Key]) -> Error {
    let error = Error::new(Kind::Usage, format!("Unknown option '{name}'"));
    match near::question(name, keys.iter().flat_map(|key| key.names.iter().copied())) {
        Some(question) => error.hint(question),
        None => error,
    }
}

fn newer_pair(word: &str) -> Option<(String, &str)> {
    if ["active", "inactive"].contains(&word.to_lowercase().as_str()) {
        return Some(("status".to_owned(), word));
    }
    let (name, value) = word.split_once(['=', ':'])?;
    let (name, value) = (name.trim_end(), value.trim());
    is_key(name).then(|| (name.to_lowercase(), value))
}

fn with_usage(error: Error, usage: &str) -> Error {
    match error.kind() {
        Kind::Usage => {
            let whole = Error::new(Kind::Usage, format!("{}\n{usage}", error.message()));
            match error.hint_text() {
                Some(hint) => whole.hint(hint),
                None => whole,
            }
        }
        _ => error,
    }
}

/// Blanks are allowed around the equals sign: `host = localhost` arrives as three words and becomes
/// one.
fn glued(words: &[String]) -> Vec<String> {
    let mut glued: Vec<String> = Vec::new();
    for word in words {
        let open = glued.last().is_some_and(|last| last.ends_with(" ="));
        match glued.last_mut() {
            Some(last) if open || (word.starts_with('=') && is_key(last)) => {
                last.push_str(if open { "" } else { " " });
                last.push_str(word);
            }
            _ => glued.push(word.clone()),
        }
    }
    glued
}

fn is_key(word: &str) -> bool {
    !word.is_empty() && word.chars().all(is_key_char)
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Takes the pairs out of one shell word; there may be several.
fn take(word: &str, keys: &'static [Key], pairs: &mut Pairs) -> Result<()> {
    let mut text = word;
    while let Some((before, name, after)) = next_key(text) {
        let key = keys.iter().find(|key| key.names.contains(&name));
        let key = key.ok_or_else(|| unknown(name, keys))?;
        let (value, remains) = split_value(after.trim_start(), keys);
        if !value.is_empty() {
            pairs.set(key, checked(name, key.takes, value)?);
        }
        pairs.rest.extend(plain_words(before));
        text = remains;
    }
    pairs.rest.extend(plain_words(text));
    Ok(())
}

/// Splits before the first `key=`: what comes before it, the key, what comes after the equals sign.
fn next_key(text: &str) -> Option<(&str, &str, &str)> {
    let (left, after) = text.split_once('=')?;
    let left = left.trim_end();
    let start = left.rfind(|c| !is_key_char(c)).map_or(0, |at| at + left[at..].chars().next().map_or(1, char::len_utf8));
    (start < left.len()).then(|| (&left[..start], &left[start..], after))
}

/// A value, and what follows it in the same shell word.
fn split_value<'a>(text: &'a str, keys: &[Key]) -> (&'a str, &'a str) {
    for quote in ['"', '\''] {
        if let Some(split) = text.strip_prefix(quote).and_then(|inner| split_quoted(inner, quote)) {
            return split;
        }
    }
    let known = |name: &str| keys.iter().any(|key| key.names.contains(&name));
    for (at, _) in text.match_indices(' ') {
        let tail = text[at..].trim_start();
        let name = tail.split(['=', ' ']).next().unwrap_or_default();
        if known(name) && tail[name.len()..].trim_start().starts_with('=') {
            return (text[..at].trim_end(), tail);
        }
    }
    (text.trim_end(), "")
}

/// Splits at the closing quote, which is one before a blank or the end.
fn split_quoted(inner: &str, quote: char) -> Option<(&str, &str)> {
    let closing = inner.match_indices(quote).find(|(at, _)| matches!(inner[at + 1..].chars().next(), None | Some(' ')))?;
    Some((&inner[..closing.0], &inner[closing.0 + 1..]))
}

/// Splits at blanks, but not within double quotes, where a name may have some.
fn plain_words(text: &str) -> Vec<String> {
    let mut quoted = false;
    let words = text.split(|c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    });
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The value as stored, or what is wrong with it; `name` is the key as typed.
pub fn checked(name: &str, takes: Value, value: &str) -> Result<String> {
    let refuse = |must: &str, hint: String| {
        Err(Error::new(Kind::Refused, format!("Invalid value for '{name}': must be {must}")).hint(hint))
    };
    match takes {
        Value::Text | Value::Interval => Ok(value.to_owned()),
        Value::Bool => match boolean(value) {
            Some(yes) => Ok(if yes { "1" } else { "0" }.to_owned()),
            None => refuse("true of false", format!("write {name}=1 or {name}=0; yes and no, on and off are understood as well")),
        },
        Value::Ports if value.chars().all(|c| c.is_ascii_digit() || c == ',') => Ok(value.to_owned()),
        Value::Number if value.chars().all(|c| c.is_ascii_digit()) => Ok(value.to_owned()),
        Value::Number | Value::Ports => refuse("numeric", format!("write {name}= and digits only, without sign or unit")),
        Value::OneOf(choices) | Value::NumberOf(choices) => {
            let found = choices.iter().find(|choice| choice.eq_ignore_ascii_case(value));
            found.map_or_else(|| refuse(&one_of(choices), format!("write {name}={}", choices[0])), |it| Ok((*it).to_owned()))
        }
        Value::Named(choices) => {
            let found = choices.iter().find(|(name, alias)| value == *name || value == *alias);
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            found.map_or_else(|| refuse(&one_of(&names), format!("write {name}={}", names[0])), |it| Ok(it.0.to_owned()))
        }
    }
}

/// Whether a text is a port, or a list of ports as libpq takes it beside a list of hosts.
pub fn is_ports(text: &str) -> bool {
    text.split(',').all(|port| matches!(port.parse::<u16>(), Ok(1..)))
}

fn one_of(choices: &[&str]) -> String {
    format!("one of {}", choices.join(" or "))
}

/// The spellings of the original, and those of the newer dialect.
fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "yes" | "on" => Some(true),
        "0" | "f" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    const KEYS: &[Key] = &[
        Key::new("dbhost", &["dbhost", "host"], Value::Text),
        Key::new("dbport", &["dbport", "port"], Value::Number),
        Key::new("dbconn", &["conn"], Value::Text),
        Key::new("ping", &["ping"], Value::Bool),
        Key::new("checktime", &["checktime"], Value::Interval),
        Key::new("status", &["status"], Value::OneOf(&["active", "inactive"])),
        Key::new("synctype", &["type"], Value::Named(&[("pushdelta", "delta"), ("swap", "swap")])),
    ];

    fn pairs(words: &[&str]) -> Result<Pairs> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        read(&words, KEYS, "Usage: add x")
    }

    fn one(words: &[&str], column: &str) -> Option<String> {
        pairs(words).unwrap().get(column).map(str::to_owned)
    }

    #[test]
    fn a_value_ends_with_its_shell_word_or_its_quotes() {
        assert_eq!(one(&["checktime=5 minutes"], "checktime").unwrap(), "5 minutes");
        assert_eq!(one(&["checktime=\"5 minutes\""], "checktime").unwrap(), "5 minutes");
        assert_eq!(one(&["checktime='5 minutes' port=1"], "dbport").unwrap(), "1");
        assert_eq!(one(&["checktime=5", "minutes"], "checktime").unwrap(), "5");
        assert_eq!(one(&["conn=sslmode=require"], "dbconn").unwrap(), "sslmode=require");
    }

    #[test]
    fn one_shell_word_may_hold_several_pairs() {
        let pairs = pairs(&["host=h port=6201 ping=no"]).unwrap();
        assert_eq!((pairs.get("dbhost"), pairs.get("dbport"), pairs.get("ping")), (Some("h"), Some("6201"), Some("0")));
    }

    #[test]
    fn an_empty_value_is_not_given_and_swallows_nothing() {
        let pairs = pairs(&["host=", "port=6201", "ping="]).unwrap();
        assert_eq!((pairs.get("dbhost"), pairs.get("dbport"), pairs.get("ping")), (None, Some("6201"), None));
    }

    #[test]
    fn blanks_are_allowed_around_the_equals_sign_and_the_last_one_wins() {
        assert_eq!(one(&["host", "=", "localhost"], "dbhost").unwrap(), "localhost");
        assert_eq!(one(&["host", "=localhost"], "dbhost").unwrap(), "localhost");
        assert_eq!(one(&["host = localhost"], "dbhost").unwrap(), "localhost");
        assert_eq!(one(&["host=a", "dbhost=b"], "dbhost").unwrap(), "b");
    }

    #[test]
    fn the_rest_is_split_at_blanks_outside_double_quotes() {
        let pairs = pairs(&["t1 t2", "port=1", "sc.\"My Table\"", "foo-port=2"]).unwrap();
        assert_eq!(pairs.rest, ["t1", "t2", "sc.\"My Table\"", "foo-"]);
        assert_eq!(pairs.get("dbport"), Some("2"));
    }

    #[test]
    fn the_newer_dialect_takes_words_whole_and_colons_too() {
        let words = ["HOST=h port=1", "port:6201", "inactive", "sc.t1", "checktime", "=", "5 min"].map(str::to_owned);
        let pairs = read_newer(&words, KEYS, "Usage: add x").unwrap();
        let found = ["dbhost", "dbport", "status", "checktime"].map(|column| pairs.get(column).unwrap_or_default());
        assert_eq!(found, ["h port=1", "6201", "inactive", "5 min"]);
        assert_eq!(pairs.rest, ["sc.t1"]);
        assert_eq!(read_newer(&["nosuch=1".to_owned()], KEYS, "").err().unwrap().code(), 1);
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_usage_text() {
        let error = pairs(&["foo-bar=1"]).err().unwrap();
        assert_eq!(error.message(), "Unknown option 'bar'\nUsage: add x");
    }

    #[test]
    fn wrong_values_are_refused_in_the_words_of_the_original() {
        for (word, must) in [
            ("ping=maybe", "Invalid value for 'ping': must be true of false"),
            ("port=x1", "Invalid value for 'port': must be numeric"),
            ("status=on", "Invalid value for 'status': must be one of active or inactive"),
            ("type=Delta", "Invalid value for 'type': must be one of pushdelta or swap"),
        ] {
            assert_eq!(pairs(&[word]).err().unwrap().message(), must);
        }
        assert_eq!(one(&["status=INACTIVE"], "status").unwrap(), "inactive");
        assert_eq!(one(&["type=delta"], "synctype").unwrap(), "pushdelta");
    }
}
