//! JSON for programs, as far as it is not made by the server.

use crate::plain;
use std::fmt::Write;

/// An object under construction.
#[derive(Default)]
pub struct Object(String);

impl Object {
    /// Adds a value that is JSON already.
    pub fn raw(mut self, name: &str, value: &str) -> Object {
        let comma = if self.0.is_empty() { "" } else { ", " };
        let _ = write!(self.0, "{comma}{}: {value}", string(name));
        self
    }

    /// Adds a text.
    pub fn text(self, name: &str, value: &str) -> Object {
        let value = string(value);
        self.raw(name, &value)
    }

    /// Adds a text, or null.
    pub fn maybe(self, name: &str, value: Option<&str>) -> Object {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    /// Adds a number, or null.
    pub fn number(self, name: &str, value: Option<i64>) -> Object {
        let value = value.map_or_else(|| "null".to_owned(), |value| value.to_string());
        self.raw(name, &value)
    }

    /// Adds true or false.
    pub fn flag(self, name: &str, value: bool) -> Object {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// The object.
    pub fn end(self) -> String {
        format!("{{{}}}", self.0)
    }
}

/// A list of values, each on a line of its own.
pub fn list(values: &[String]) -> String {
    match values.is_empty() {
        true => "[]".to_owned(),
        false => format!("[\n  {}\n]", values.join(",\n  ")),
    }
}

/// What a server has made and laid out in lines: it escapes only what it must.
pub fn of_server(json: &str) -> String {
    let escaped = |c: char| match c {
        '\n' => c.to_string(),
        c if plain::is_control(c) => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    json.chars().map(escaped).collect()
}

/// A text in double quotes.
pub fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if plain::is_control(c) => drop(write!(quoted, "\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_text_is_escaped() {
        assert_eq!(string("a\"b\\c\nd é"), "\"a\\\"b\\\\c\\u000ad é\"");
        let object = Object::default().text("a", "x").number("n", None).flag("f", true).maybe("m", None).end();
        assert_eq!(object, "{\"a\": \"x\", \"n\": null, \"f\": true, \"m\": null}");
        assert_eq!(of_server("{\n \"a\": \"\u{7f}\"}"), "{\n \"a\": \"\\u007f\"}");
        assert_eq!((list(&[]), list(&["1".to_owned(), "2".to_owned()])), ("[]".to_owned(), "[\n  1,\n  2\n]".to_owned()));
    }
}
