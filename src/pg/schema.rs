//! Where the program keeps its own objects on a replicated database, and whose they are.
//!
//! The first installation on a database has schema `bucardo` and the plain names of triggers. Each
//! further one has a schema and triggers of its own, whose names hold the first eight digits of its
//! id. So no statement of one installation ever meets an object of another.

use crate::pg::Relation;
use std::borrow::Cow;
use std::fmt;

/// What the schema of the first installation is called, and what the others' names begin with.
const PLAIN: &str = "bucardo";

/// The schema of an installation's objects on one database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Schema {
    /// The first eight hexadecimal digits of the installation's id; none for the first
    /// installation.
    digits: Option<u32>,
}

/// An installation: a control database, wherever it is moved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Its id, a hexadecimal number.
    pub id: String,
    /// Where its control database is, for people.
    pub control: String,
}

impl Schema {
    /// The one of the first installation on a database.
    pub const FIRST: Schema = Schema { digits: None };

    /// The one that an installation has where it is not the first. None if the id is no hexadecimal
    /// number.
    pub fn further(id: &str) -> Option<Schema> {
        let digits = u32::from_str_radix(id.get(..8)?, 16).ok()?;
        Some(Schema { digits: Some(digits) })
    }

    /// An object in it.
    pub fn relation(self, name: impl Into<String>) -> Relation {
        Relation::new(self.to_string(), name)
    }

    /// A statement that is written for schema `bucardo`, for this one: the word `bucardo` is
    /// replaced where it stands alone. Only for texts that are complete in the program, never for
    /// one in which a name or a value of a user has been put.
    pub fn text(self, sql: &str) -> Cow<'_, str> {
        if self.digits.is_none() {
            return Cow::Borrowed(sql);
        }
        let name = self.to_string();
        let mut text = String::with_capacity(sql.len() + 64);
        let mut rest = sql;
        while let Some(at) = rest.find(PLAIN) {
            let (before, after) = (&rest[..at], &rest[at + PLAIN.len()..]);
            let in_word = |letter: char| letter.is_alphanumeric() || letter == '_';
            text.push_str(before);
            let part_of_word = text.ends_with(in_word) || after.starts_with(in_word);
            text.push_str(if part_of_word { PLAIN } else { &name });
            rest = after;
        }
        text.push_str(rest);
        Cow::Owned(text)
    }

    /// A trigger on tables of users, by its plain name.
    pub fn trigger(self, plain: &str) -> String {
        match self.digits {
            None => plain.to_owned(),
            Some(digits) => format!("{plain}_{digits:08x}"),
        }
    }

    /// The digits, or nothing.
    pub fn digits(self) -> String {
        self.digits.map_or_else(String::new, |digits| format!("{digits:08x}"))
    }

    /// The value of the setting by which our triggers know what this installation writes
    /// ([`APPLYING`](crate::pg::session::APPLYING)).
    pub fn applying(self) -> String {
        match self.digits {
            None => "on".to_owned(),
            Some(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.digits {
            None => f.write_str(PLAIN),
            Some(digits) => write!(f, "{PLAIN}_{digits:08x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn further() -> Schema {
        Schema::further("0a1b2c3d4e5f60718293a4b5c6d7e8f9").unwrap()
    }

    #[test]
    fn the_first_installation_has_the_plain_names() {
        assert_eq!(Schema::FIRST.to_string(), "bucardo");
        assert_eq!(Schema::FIRST.trigger("bucardo_add_delta"), "bucardo_add_delta");
        assert_eq!(Schema::FIRST.text("select from bucardo.x"), "select from bucardo.x");
        assert_eq!(Schema::FIRST.applying(), "on");
    }

    #[test]
    fn a_further_one_has_names_with_its_id() {
        assert_eq!(further().to_string(), "bucardo_0a1b2c3d");
        assert_eq!(further().trigger("bucardo_add_delta"), "bucardo_add_delta_0a1b2c3d");
        assert_eq!(further().relation("x").to_string(), "\"bucardo_0a1b2c3d\".\"x\"");
        assert!(
            Schema::further("short").is_none() && Schema::further("no number").is_none() && Schema::further("éééééééé").is_none()
        );
    }

    #[test]
    fn only_the_word_itself_is_replaced_in_a_statement() {
        for (plain, further_one) in [
            ("select from bucardo.bucardo_track", "select from bucardo_0a1b2c3d.bucardo_track"),
            ("'bucardo'::regnamespace, bucardo\\.x", "'bucardo_0a1b2c3d'::regnamespace, bucardo_0a1b2c3d\\.x"),
            ("bucardo", "bucardo_0a1b2c3d"),
            ("my_bucardo.x, bucardo_x.bucardo1, xbucardo", "my_bucardo.x, bucardo_x.bucardo1, xbucardo"),
            ("bucardobucardo bucardo", "bucardobucardo bucardo_0a1b2c3d"),
        ] {
            assert_eq!(further().text(plain), further_one);
        }
    }
}
