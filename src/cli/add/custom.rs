//! `add customname` and `add customcols`: a table that is called otherwise on the targets, and what
//! is selected from one instead of all its columns; both for all targets, or for one database or
//! one sync (reference, 8.4).

use super::used;
use crate::cli::noun::Noun;
use crate::cli::pairs::{self, Key, Pairs, Value};
use crate::cli::relation::{self, Goat};
use crate::cli::{Session, help, refusal};
use crate::error::{Error, Result};
use crate::pg::Connection;
use std::collections::BTreeSet;

pub(super) const USAGE_NAME: &str = "Usage: add customname <table> <new name> [db=x] [sync=x]

  add customname public.orders archive.orders db=warehouse";

pub(super) const USAGE_COLS: &str = "Usage: add customcols <table> \"SELECT ...\" [db=x] [sync=x]

  add customcols public.orders \"SELECT id, total\" sync=reports";

pub(super) const KEYS: &[Key] = &[Key::new("db", &["db", "database"], Value::Text), Key::new("sync", &["sync"], Value::Text)];

pub(super) fn run(session: &mut Session, noun: Noun, table: &str, words: &[String]) -> Result<u8> {
    let (kind, usage) = match noun {
        Noun::Customname => ("customname", USAGE_NAME),
        _ => ("customcols", USAGE_COLS),
    };
    let Some((text, rest)) = words.split_first() else { return Ok(help::usage(session.personality, "add", &[kind])) };
    let pairs = pairs::read_newer(rest, KEYS, usage)?;
    if noun == Noun::Customcols {
        check_clause(text)?;
    }
    let (lines, goats) = session.transaction(|session| {
        let meant = meant(&mut session.control, table, pairs.get("sync"))?;
        meant.check(&mut session.control, noun, table, text, &pairs)?;
        let lines = meant.goats.iter().map(|goat| add(&mut session.control, noun, goat, text, &pairs));
        Ok((lines.collect::<Result<Vec<_>>>()?, meant.goats.iter().map(|goat| goat.id).collect::<Vec<_>>()))
    })?;
    super::report(session, &lines);
    used::selection(&mut session.control, &goats)?;
    Ok(0)
}

fn check_clause(text: &str) -> Result<()> {
    if !text.trim_start().get(..7).is_some_and(|start| start.eq_ignore_ascii_case("select ")) {
        return Err(refusal::refused("The columns must be a SELECT", "write them as \"SELECT a, b, c\", without FROM"));
    }
    match clause_without_from(text) {
        None => Ok(()),
        Some(word) => Err(refusal::refused(
            format!("The SELECT has {word} but no FROM"),
            format!("write the table as well: \"SELECT ... FROM schema.table {word} ...\""),
        )),
    }
}

/// What can only follow a FROM, and is reserved, so that it is no column's name unless quoted.
const AFTER_FROM: [&str; 7] = ["WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET"];

/// The first clause of a SELECT without FROM that needs one. A list of columns is completed by FROM
/// at its end, and so is right without.
fn clause_without_from(text: &str) -> Option<&'static str> {
    let words = outer_words(text);
    let is_name = |at: usize| at > 0 && matches!(words[at - 1].as_str(), "AS" | ".");
    for (at, word) in words.iter().enumerate().filter(|(at, _)| !is_name(*at)) {
        if word == "FROM" && words[at - 1] != "DISTINCT" {
            return None;
        }
        if let Some(found) = AFTER_FROM.iter().find(|clause| *clause == word) {
            return Some(found);
        }
    }
    None
}

/// The words and dots of a query in upper case, but for what is in parentheses, brackets, quotes or
/// comments.
fn outer_words(text: &str) -> Vec<String> {
    let (mut words, mut depth, mut rest) = (Vec::new(), 0_usize, text);
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let length = match first {
            '\'' | '"' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ if is_part(first) => rest.find(|c| !is_part(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        match first {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 && (is_part(first) || first == '.') => words.push(rest[..length].to_uppercase()),
            '"' if depth == 0 => words.push(String::new()),
            _ => {}
        }
        rest = &rest[length..];
    }
    words
}

/// What a word means, and what else it could mean.
struct Meant {
    goats: Vec<Goat>,
    others: Vec<Goat>,
}

/// The tables that a word means: one by schema and name, or all of a name. What is said for one
/// sync is said of its own tables, if it has any of that name.
fn meant(control: &mut Connection, word: &str, sync: Option<&str>) -> Result<Meant> {
    let mut all = relation::all(control, word, None)?;
    if all.is_empty() {
        let hint = relation::guess(control, word, "`list tables` shows what there is; `add table` adds one");
        return Err(refusal::missing(format!("Unknown table: {word}"), hint));
    }
    if let Some(sync) = sync {
        let sql = "select m.goat from bucardo.sync s join bucardo.herdmap m on m.herd = s.source where s.name = $1";
        let members: Vec<i32> = control.query(sql, &[&sync])?.iter().map(|row| row.get(0)).collect();
        if all.iter().any(|goat| members.contains(&goat.id)) {
            all.retain(|goat| members.contains(&goat.id));
        }
    }
    let found = relation::find(control, word, None)?.len();
    let others = if found == 1 { all.split_off(1) } else { Vec::new() };
    Ok(Meant { goats: all, others })
}

impl Meant {
    /// A second table must not take what was said of the first, nor two of them meet in one.
    fn check(&self, control: &mut Connection, noun: Noun, word: &str, text: &str, pairs: &Pairs) -> Result<()> {
        if self.goats.len() + self.others.len() < 2 {
            return Ok(());
        }
        let ids: Vec<i32> = self.goats.iter().map(|goat| goat.id).collect();
        let (table, column) = stored(noun);
        let sql = format!(
            "select from bucardo.{table} where goat = any ($1) and coalesce(db, '') = $2 and coalesce(sync, '') = $3 and {column} <> $4"
        );
        let (db, sync) = (pairs.get("db").unwrap_or_default(), pairs.get("sync").unwrap_or_default());
        let taken = control.query_opt(&format!("{sql} limit 1"), &[&ids, &db, &sync, &text])?.is_some();
        let dbs: BTreeSet<&str> = self.goats.iter().map(|goat| goat.db.as_str()).collect();
        let meet = noun == Noun::Customname && text.contains('.') && dbs.len() < self.goats.len();
        if taken || meet || !self.others.is_empty() {
            let sentence = format!("\"{word}\" is the name of several tables");
            return Err(refusal::refused(sentence, format!("name one by its number: {}", self.numbers())));
        }
        Ok(())
    }

    fn numbers(&self) -> String {
        let one = |goat: &Goat| format!("{} ({} in {})", goat.id, goat.relation.label(), goat.db);
        self.goats.iter().chain(&self.others).map(one).collect::<Vec<_>>().join(", ")
    }
}

/// The table and the column in which it is kept.
fn stored(noun: Noun) -> (&'static str, &'static str) {
    if noun == Noun::Customname { ("customname", "newname") } else { ("customcols", "clause") }
}

fn add(control: &mut Connection, noun: Noun, goat: &Goat, text: &str, pairs: &Pairs) -> Result<String> {
    let (table, column) = stored(noun);
    let (db, sync) = (pairs.get("db"), pairs.get("sync"));
    let sql = format!(
        "insert into bucardo.{table} (goat, {column}, db, sync) values ($1, $2, $3, $4) \
         on conflict (goat, coalesce(db, ''), coalesce(sync, '')) do update set {column} = excluded.{column}"
    );
    let added = control.execute(&sql, &[&goat.id, &text, &db, &sync]).map_err(Error::from);
    added.map_err(|error| error.context(format!("Failed to add {table}")))?;
    let of = [("database", db), ("sync", sync)].into_iter().filter_map(|(what, name)| Some(format!("for {what} {}", name?)));
    let of: Vec<_> = of.collect();
    let of = if of.is_empty() { String::new() } else { format!(" ({})", of.join(", ")) };
    Ok(match noun {
        Noun::Customname => format!("Transformed {} to {text}{of}", goat.relation.label()),
        _ => format!("New columns for {}: \"{text}\"{of}", goat.relation.label()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_needs_a_from_and_names_in_quotes_or_parentheses_are_none() {
        for (text, found) in [
            ("SELECT id, v", None),
            ("select id, v from t where v > 0", None),
            ("select id where v > 0", Some("WHERE")),
            ("SELECT id, extract(year from at) AS y Where v > 0", Some("WHERE")),
            ("select id, a is distinct from b as c where v > 0", Some("WHERE")),
            ("select id, \"where\", 'limit' as v, t.order, x as offset", None),
            ("select id, (select max(v) from u where u.id = t.id) as v", None),
            ("select id /* where */, v -- limit", None),
            ("select id, v order by v", Some("ORDER")),
            ("select id, from_where", None),
        ] {
            assert_eq!(clause_without_from(text), found, "{text}");
        }
    }
}
