//! Connection strings: `key=value` pairs between blanks or semicolons. Values with either in them
//! are put in single quotes; a backslash takes the next character literally, inside quotes and
//! outside (PostgreSQL manual, 34.1.1.1).

use super::keys::{self, Settings};
use crate::error::{Error, Kind, Result};
use std::iter::Peekable;
use std::str::Chars;

/// The settings in a connection string. Later ones win.
pub fn parse(text: &str) -> Result<Settings> {
    let mut rest = text.chars().peekable();
    let mut settings = Settings::default();
    while let Some(key) = next_key(&mut rest)? {
        let value = next_value(&mut rest)?;
        if !settings.set(&key, value) {
            return Err(keys::unknown(&key));
        }
    }
    Ok(settings)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || c == ';'
}

/// What is no pair may be part of a password: the error does not repeat it.
fn wrong(what: &str) -> Error {
    let hint = "write key=value pairs with blanks or semicolons between them, and values that contain these in single quotes";
    Error::new(Kind::Refused, format!("a connection string {what}")).hint(hint)
}

fn next_key(rest: &mut Peekable<Chars>) -> Result<Option<String>> {
    while rest.next_if(|c| is_separator(*c)).is_some() {}
    if rest.peek().is_none() {
        return Ok(None);
    }
    let key: String = std::iter::from_fn(|| rest.next_if(|c| *c != '=' && !is_separator(*c))).collect();
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
    if rest.next_if_eq(&'=').is_none() || key.is_empty() {
        return Err(wrong("has a word without \"=\""));
    }
    while rest.next_if(|c| c.is_whitespace()).is_some() {}
    Ok(Some(key))
}

fn next_value(rest: &mut Peekable<Chars>) -> Result<String> {
    let quoted = rest.next_if_eq(&'\'').is_some();
    let ends = |c: char| if quoted { c == '\'' } else { is_separator(c) };
    let mut value = String::new();
    while let Some(c) = rest.next_if(|c| !ends(*c)) {
        value.extend(if c == '\\' { rest.next() } else { Some(c) });
    }
    if quoted && rest.next().is_none() {
        return Err(wrong("has a quote that does not end"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn pairs_are_read_as_libpq_reads_them() {
        for (text, key, value) in [
            ("host=a port=1", "host", Some("a")),
            ("host=a;port=1", "port", Some("1")),
            (" ; host = a ;; port=1;", "host", Some("a")),
            ("sslmode=require\n", "sslmode", Some("require")),
            ("password='a b;c'", "password", Some("a b;c")),
            (r"password='it\'s \\'", "password", Some(r"it's \")),
            (r"password=a\ b\;c", "password", Some("a b;c")),
            ("password=a=b", "password", Some("a=b")),
            ("host='' user=u", "host", None),
            ("host=;user=u", "user", Some("u")),
            ("host=a host=b", "host", Some("b")),
            ("host=a host=''", "host", None),
            ("options='-c geqo=off'", "options", Some("-c geqo=off")),
            ("", "host", None),
        ] {
            assert_eq!(parse(text).unwrap().get(key), value, "{text}");
        }
    }

    #[test]
    fn a_mistake_is_named_but_a_password_is_not_repeated() {
        for text in ["password=my hunter2", "password='hunter2", "=hunter2", "hunter2", "host=a hunter2;"] {
            let error = parse(text).err().unwrap();
            assert_eq!(error.kind(), Kind::Refused, "{text}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let error = parse("sslmoed=require").err().unwrap();
        assert!(error.message().contains("\"sslmoed\"") && error.hint_text().unwrap().contains("sslmode"));
    }
}
