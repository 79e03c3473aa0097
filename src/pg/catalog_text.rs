//! Names of types, operators, collations and encodings as servers write them in their catalogs.
//! They are not single identifiers (`numeric(9,2)[]`, `operator(pg_catalog.=)`), so
//! [`Ident`](super::Ident) cannot quote them, and what one server calls equal goes into statements
//! for another. What does not have the form that PostgreSQL gives it is refused where it is read:
//! no server can say anything to another through us.

use crate::error::{Error, Kind, Result};

/// Types whose names have blanks, without what stands in parentheses.
const WORDS: [&str; 8] = [
    "double precision",
    "character varying",
    "bit varying",
    "time with time zone",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
    "interval",
];

/// What may follow `interval`.
const FIELDS: [&str; 13] = [
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "year to month",
    "day to hour",
    "day to minute",
    "day to second",
    "hour to minute",
    "hour to second",
    "minute to second",
];

/// What operators are made of (PostgreSQL manual, "Lexical Structure").
const OPERATOR: &str = "+-*/<>=~!@#%^&|`?";

/// The name of a type as `format_type` writes it.
pub fn type_name(text: String) -> Result<String> {
    if is_type(&text) { Ok(text) } else { Err(refused("type", &text)) }
}

/// An operator as `operator(schema.=)`.
pub fn operator(text: String) -> Result<String> {
    let inner = text.strip_prefix("operator(").and_then(|rest| rest.strip_suffix(')'));
    let found = inner.and_then(|inner| {
        let (schema, rest) = identifier(inner)?;
        let name = rest.strip_prefix('.')?;
        let made_of = !name.is_empty() && name.chars().all(|c| OPERATOR.contains(c));
        (!schema.is_empty() && made_of && !name.contains("--") && !name.contains("/*")).then_some(())
    });
    if found.is_some() { Ok(text) } else { Err(refused("operator", &text)) }
}

/// Several operators.
pub fn operators(all: Vec<String>) -> Result<Vec<String>> {
    all.into_iter().map(operator).collect()
}

/// A collation as `schema.name`.
pub fn collation(text: String) -> Result<String> {
    if is_qualified(&text, 2) { Ok(text) } else { Err(refused("collation", &text)) }
}

/// The name of an encoding.
pub fn encoding(text: String) -> Result<String> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if plain && !text.contains("--") { Ok(text) } else { Err(refused("encoding", &text)) }
}

fn refused(what: &str, text: &str) -> Error {
    let shown: String = text.chars().take(80).flat_map(char::escape_default).collect();
    let sentence = format!("the server's catalog names {what} \"{shown}\", which has not the form of one");
    Error::new(Kind::Mismatch, sentence).hint("No PostgreSQL server writes it so. Check that it is the server it should be.")
}

/// A name, perhaps with modifiers in parentheses, perhaps an array.
fn is_type(text: &str) -> bool {
    let mut text = text;
    while let Some(element) = text.strip_suffix("[]") {
        text = element;
    }
    match without_modifiers(text) {
        Some(name) => is_qualified(&name, 2) || is_of_words(&name),
        None => false,
    }
}

/// The name without `(…)`, of which there is one at most, and outside of quotation marks; none
/// where something else stands in it than words and numbers.
fn without_modifiers(text: &str) -> Option<String> {
    let behind = if text.starts_with('"') || text.contains(".\"") { text.rfind('"').map_or(0, |at| at + 1) } else { 0 };
    let Some(open) = text[behind..].find('(').map(|at| behind + at) else { return Some(text.to_owned()) };
    let close = open + text[open..].find(')')?;
    let modifiers = &text[open + 1..close];
    let plain = !modifiers.is_empty() && modifiers.chars().all(|c| c.is_alphanumeric() || "_, .-".contains(c));
    (plain && !modifiers.contains("--")).then(|| format!("{}{}", &text[..open], &text[close + 1..]))
}

fn is_of_words(name: &str) -> bool {
    WORDS.contains(&name) || name.strip_prefix("interval ").is_some_and(|fields| FIELDS.contains(&fields))
}

/// One identifier, or up to `most` with dots between them.
fn is_qualified(text: &str, most: usize) -> bool {
    let mut rest = text;
    for _ in 0..most {
        match identifier(rest) {
            Some((_, "")) => return true,
            Some((_, behind)) if behind.starts_with('.') => rest = &behind[1..],
            _ => return false,
        }
    }
    false
}

/// The identifier at the beginning, as `quote_ident` writes it, and what follows it.
fn identifier(text: &str) -> Option<(&str, &str)> {
    let end = match text.strip_prefix('"') {
        Some(quoted) => closing(quoted)? + 2,
        None => text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(text.len()),
    };
    let starts_well = !text.starts_with(|c: char| c.is_ascii_digit() || c == '$');
    (end > 0 && starts_well).then(|| text.split_at(end))
}

/// Where the quotation mark is that ends a quoted identifier.
fn closing(quoted: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += quoted[at..].find('"')?;
        match quoted[at + 1..].starts_with('"') {
            true => at += 2,
            false if at == 0 => return None,
            false => return Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_write_is_taken_as_it_is() {
        for text in [
            "integer",
            "text[]",
            "numeric(9,2)",
            "numeric(3,-2)[]",
            "\"char\"",
            "character varying(10)[]",
            "bit varying(3)",
            "double precision",
            "timestamp(3) with time zone",
            "time without time zone[]",
            "interval",
            "interval(3)",
            "interval day to second(3)",
            "interval year to month[]",
            "public.\"Odd \"\"type\"\" (x)\"[]",
            "geometry(PointZ,4326)",
            "größe",
            "app.mood",
            "\"a.b\"",
            "vector(3)",
            "a$1",
            "\"Ä(\"(5)",
        ] {
            assert_eq!(type_name(text.to_owned()).ok().as_deref(), Some(text));
        }
        for text in
            ["operator(pg_catalog.=)", "operator(public.&&)", "operator(\"My \"\"schema\".===)", "operator(pg_catalog.-|-)"]
        {
            assert_eq!(operator(text.to_owned()).ok().as_deref(), Some(text));
        }
        assert!(collation("pg_catalog.\"de-x-icu\"".to_owned()).is_ok() && encoding("SQL_ASCII".to_owned()).is_ok());
    }

    #[test]
    fn what_would_be_more_than_a_name_is_refused() {
        for text in [
            "",
            "int4); drop table t; --",
            "int4 from pg_authid",
            "int4, x int4",
            "text default current_user",
            "int4 -- ",
            "int4/**/",
            "\"a",
            "a\"b\"",
            "\"\"",
            "a.b.c",
            "a..b",
            ".a",
            "numeric(1))",
            "numeric(1)(2)",
            "numeric('x')",
            "numeric(pg_sleep(1))",
            "numeric(a--)",
            "numeric()",
            "1a",
            "int4[1]",
            "int4 []",
            "interval day to night",
            "text collate \"C\"",
            "\"a\" \"b\"",
            "a\nb",
            "$$",
            "x'41'",
            "\"a\"(5)); drop table \"t\"",
        ] {
            assert!(type_name(text.to_owned()).is_err(), "{text}");
        }
        for text in [
            "=",
            "operator(=)",
            "operator(pg_catalog.)",
            "operator(pg_catalog.=) or true or (1 operator(pg_catalog.=)",
            "operator(pg_catalog.--)",
            "operator(pg_catalog./*)",
            "operator(pg_catalog.= )",
            "operator(a b.=)",
            "operator(\"a.=)",
            "OPERATOR(pg_catalog.=)",
            "operator(pg_catalog.=",
            "operator(.=)",
            "operator(a.b.=)",
        ] {
            assert!(operator(text.to_owned()).is_err(), "{text}");
        }
        assert!(collation("c; drop".to_owned()).is_err() && collation("a.b.c".to_owned()).is_err());
        assert!(encoding("UTF8'); drop".to_owned()).is_err() && encoding(String::new()).is_err());
    }
}
