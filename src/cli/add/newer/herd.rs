//! `add relgroup R TERM ...`.

use super::terms::{self, Found};
use crate::cli::add::sync_members::db_of;
use crate::cli::add::{herd, used};
use crate::cli::pairs::{self, Key, Pairs, Value};
use crate::cli::{Session, relation};
use crate::error::Result;
use crate::pg::Connection;
use crate::say;

pub const USAGE: &str = "Usage: add relgroup <name> [table or sequence ...]

  Tables and sequences that are not known yet are added; * and % stand for any characters.
  db=x         the database to look in

  add relgroup sales public.orders public.lines
  add relgroup everything public.% db=shop";

const KEYS: &[Key] = &[Key::new("db", &["db", "database"], Value::Text)];

pub fn run(session: &mut Session, name: &str, words: &[String]) -> Result<u8> {
    let pairs = pairs::read_newer(words, KEYS, USAGE)?;
    let lines = session.transaction(|session| {
        let control = &mut session.control;
        let made = herd::ensure(control, name)?;
        let mut lines =
            vec![if made { format!("Created relgroup \"{name}\"") } else { format!("Relgroup \"{name}\" already exists") }];
        if !pairs.rest.is_empty() {
            let found = found(control, name, &pairs)?;
            lines.extend(terms::lines(&found, true));
            lines.extend(terms::gather(control, name, &found)?);
        }
        Ok(lines)
    })?;
    lines.iter().for_each(|line| say!("{line}"));
    used::herd(&mut session.control, name)?;
    Ok(0)
}

/// What is known already need not be looked up: its database may be down.
fn found(control: &mut Connection, name: &str, pairs: &Pairs) -> Result<Found> {
    let own = match pairs.get("db") {
        Some(db) => Some(db.to_owned()),
        None => db_of(control, name)?,
    };
    let mut found = Found::default();
    let mut unknown = Vec::new();
    for term in &pairs.rest {
        let known = relation::find(control, term, own.as_deref())?;
        if known.is_empty() {
            unknown.push(term.clone());
        }
        found.all.extend(known);
    }
    if !unknown.is_empty() {
        let first = found.all.first().map(|goat| goat.db.clone());
        let db = terms::database(control, own.or(first).as_deref())?;
        let more = terms::resolve(control, &db, &["table", "sequence"], &unknown, &Pairs::default())?;
        found.without = more.without;
        found.added = more.added;
        found.all.extend(more.all);
    }
    found.all.sort_by_key(|goat| goat.id);
    found.all.dedup_by_key(|goat| goat.id);
    Ok(found)
}
