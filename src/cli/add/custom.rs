//! `add customname` and `add customcols`: a table that is called otherwise on the targets, and what is selected from one instead of all its
//! columns; both for all targets, or for one database or one sync (reference, 8.4).

use crate::cli::noun::Noun;
use crate::cli::pairs::{self, Key, Pairs, Value};
use crate::cli::relation::{self, Goat};
use crate::cli::{Session, help, refusal};
use crate::error::{Error, Result};
use crate::pg::Connection;

pub(super) const USAGE_NAME: &str = "Usage: add customname <table> <new name> [db=x] [sync=x]

  add customname public.orders archive.orders db=warehouse";

pub(super) const USAGE_COLS: &str = "Usage: add customcols <table> \"SELECT ...\" [db=x] [sync=x]

  add customcols public.orders \"SELECT id, total\" sync=reports";

pub(super) const KEYS: &[Key] = &[
    Key { column: "db", names: &["db", "database"], takes: Value::Text },
    Key { column: "sync", names: &["sync"], takes: Value::Text },
];

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
    let lines = session.transaction(|session| {
        let goats = goats(&mut session.control, table)?;
        goats.iter().map(|goat| add(&mut session.control, noun, goat, text, &pairs)).collect::<Result<Vec<_>>>()
    })?;
    super::report(session, &lines);
    Ok(0)
}

fn check_clause(text: &str) -> Result<()> {
    match text.trim_start().get(..7).is_some_and(|start| start.eq_ignore_ascii_case("select ")) {
        true => Ok(()),
        false => Err(refusal::refused("The columns must be a SELECT", "write them as \"SELECT a, b, c\", without FROM")),
    }
}

fn goats(control: &mut Connection, table: &str) -> Result<Vec<Goat>> {
    let found = relation::find(control, table, None)?;
    match found.is_empty() {
        true => {
            Err(refusal::missing(format!("Unknown table: {table}"), "`list tables` shows what there is; `add table` adds one"))
        }
        false => Ok(found),
    }
}

fn add(control: &mut Connection, noun: Noun, goat: &Goat, text: &str, pairs: &Pairs) -> Result<String> {
    let (table, column) = if noun == Noun::Customname { ("customname", "newname") } else { ("customcols", "clause") };
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
