//! `add db NAME[,NAME2 ...]`: lists of values are dealt out to the names.

use super::{dbgroup, dsn};
use crate::cli::add::all;
use crate::cli::add::db::{self, KEYS};
use crate::cli::pairs::{self, Pairs};
use crate::cli::{Session, refusal};
use crate::error::{Error, Result};
use crate::say;

pub const USAGE: &str = "Usage: add db <name> [optional information]

  name is its name here; a list with commas adds several, and lists of values are dealt out to them.

{keys}

  It is connected to; --force adds it although that fails.

  add db shop dbname=shop host=db1
  add dbs shop,warehouse dbname=shop,depot host=db1,db2 user=replicator";

pub fn run(session: &mut Session, word: &str, words: &[String]) -> Result<u8> {
    let pairs = pairs::read_newer(words, KEYS, USAGE)?;
    let names: Vec<&str> = word.split(',').filter(|name| !name.is_empty()).collect();
    for name in &names {
        if session.control.query_opt("select from bucardo.db where name = $1", &[name])?.is_some() {
            say!("Cannot add database: the name \"{name}\" already exists");
            return Ok(1);
        }
    }
    let lines = session.transaction(|session| {
        let mut lines = vec![added(&names)];
        for (at, name) in names.iter().enumerate() {
            // With one name there is nothing to deal out: several hosts are several ways to one
            // database.
            let own = if names.len() == 1 { pairs.whole() } else { pairs.dealt(at) };
            lines.extend(one(session, name, &dsn::spread(own))?);
        }
        Ok(lines)
    })?;
    crate::cli::add::report(session, &lines);
    everything(session, &names, &pairs)
}

fn added(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("Added database{} {}", if names.len() == 1 { "" } else { "s" }, quoted.join(","))
}

fn one(session: &mut Session, name: &str, pairs: &Pairs) -> Result<Vec<String>> {
    db::check_port(pairs)?;
    let real = real_name(name, pairs)?;
    db::insert(&mut session.control, name, &real, &with_environment(pairs))?;
    let lines = match pairs.get("group") {
        Some(word) => {
            let (group, role) = word.split_once(':').unwrap_or((word, "target"));
            let member = dbgroup::Member::of(&format!("{name}:{role}"))?;
            dbgroup::add(&mut session.control, group, &[member])?
        }
        None => Vec::new(),
    };
    if pairs.get("status") != Some("inactive") {
        db::try_out(session, name)?;
    }
    // Within this command, what is about the group is indented below what is about the database.
    Ok(lines.iter().map(|line| if line.starts_with("Added") { format!("  {line}") } else { line.clone() }).collect())
}

fn real_name(name: &str, pairs: &Pairs) -> Result<String> {
    match (pairs.get("dbname"), pairs.get("dbservice")) {
        (Some(real), _) => Ok(real.to_owned()),
        (None, Some(_)) => Ok(name.to_owned()),
        (None, None) => Err(no_name(name).exit_code(1)),
    }
}

fn no_name(name: &str) -> Error {
    let sentence = "Cannot add database: must supply a database name to connect to";
    refusal::refused(sentence, format!("say `add db {name} dbname=...`"))
}

/// Host and port as libpq's variables have them, where nothing is said.
fn with_environment(pairs: &Pairs) -> Pairs {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let with_service = pairs.get("dbservice").is_some();
    let host = variable("PGHOSTADDR").or_else(|| variable("PGHOST")).filter(|_| !with_service);
    let port = variable("PGPORT").filter(|port| !with_service && pairs::is_ports(port));
    pairs.or(KEYS, "dbhost", host).or(KEYS, "dbport", port)
}

/// `addalltables` and `addallsequences`.
fn everything(session: &mut Session, names: &[&str], pairs: &Pairs) -> Result<u8> {
    for (column, kind) in [("addalltables", "tables"), ("addallsequences", "sequences")] {
        for name in names.iter().filter(|_| pairs.get(column) == Some("1")) {
            all::run(session, &[kind.to_owned(), format!("db={name}")])?;
        }
    }
    Ok(0)
}
