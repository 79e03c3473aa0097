//! Identifiers. A name that comes from a user or a catalog reaches SQL only as an [`Ident`] or a
//! [`Relation`], and these can only be printed quoted, so that no name, however hostile, is ever
//! executed.

use crate::plain;
use std::fmt;

/// One SQL name: a column, a table, a channel. Displays quoted, with embedded quotes doubled
/// (PostgreSQL manual, 4.1.1 "Identifiers and Key Words").
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ident(String);

impl Ident {
    /// Wraps a name as the catalog has it, unquoted.
    pub fn new(name: impl Into<String>) -> Ident {
        Ident(name.into())
    }

    /// The name as the catalog has it; for messages and parameters, never for SQL text.
    pub fn raw(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// A schema-qualified name. Displays as `"schema"."name"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Relation {
    /// The schema.
    pub schema: Ident,
    /// The table or sequence.
    pub name: Ident,
}

impl Relation {
    /// Wraps two names as the catalog has them, unquoted.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Relation {
        Relation { schema: Ident::new(schema), name: Ident::new(name) }
    }

    /// `schema.name` for people: messages, titles, logs.
    pub fn label(&self) -> String {
        plain::line(&format!("{}.{}", self.schema.raw(), self.name.raw())).into_owned()
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// Names separated by comma and blank, quoted.
pub fn list<'a>(names: impl IntoIterator<Item = &'a Ident>) -> String {
    names.into_iter().map(Ident::to_string).collect::<Vec<_>>().join(", ")
}

/// A text as SQL literal, for the few places that take no parameter (DDL, COMMENT, function
/// bodies). Quotes are doubled and backslashes are safe under either setting of
/// `standard_conforming_strings` (manual, 4.1.2.2).
pub fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') { format!(" E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_one_quoted_name() {
        assert_eq!(Ident::new(r#"a"; drop table x; --"#).to_string(), r#""a""; drop table x; --""#);
        assert_eq!(Relation::new("s", "Some \"Table").to_string(), r#""s"."Some ""Table""#);
    }

    #[test]
    fn a_literal_with_quotes_and_backslashes_keeps_them() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(r"a\'b"), r" E'a\\''b'");
    }
}
