//! `add table` and `add sequence`.

use super::goat::Adder;
use super::{herd, kinds, used};
use crate::cli::noun::Noun;
use crate::cli::pairs::{self, Key, Pairs, Value};
use crate::cli::{Session, help, near, refusal, relation};
use crate::error::Result;
use crate::pg::{Connection, Relation};
use crate::warn_user;

pub(super) const USAGE_TABLE: &str = "Usage: add table <name> [name2 name3 ...]

  A name is table or schema.table; the schema is public unless given. Names with other than word characters go in
  double quotes, as in SQL.

{keys}

  add table orders lines db=shop herd=sales
  add table '\"Odd Name\"' db=shop";

pub(super) const USAGE_SEQUENCE: &str = "Usage: add sequence <name> [name2 name3 ...]

  db=x                 the database they are in; needed when there are several
  herd=x               put them into this herd
  standard_conflict=x  source, target, skip, lowest or highest

  add sequence public.lines_id_seq db=shop herd=sales";

/// In the order of the help. All are for tables, some for sequences as well.
pub(super) const KEYS: &[Key] = &[
    Key::new("db", &["db"], Value::Text).unstored().says("", "the database they are in; needed when there are several"),
    Key::new("herd", &["herd", "relgroup"], Value::Text).unstored().says("", "put them into this herd"),
    Key::new("sync", &["sync"], Value::Text).unstored().says("", "put them into the herd of this sync"),
    Key::new("ping", &["ping", "autokick"], Value::Bool).says("", "whether their changes start a sync; none: as the sync says"),
    Key::new("standard_conflict", &["standard_conflict"], Value::Text).says(
        "",
        "which change wins when masters have changed the same row: latest, source, target, skip, random or abort; of a \
         sequence: highest, lowest, source, target or skip; none: as the sync says",
    ),
    Key::new("makedelta", &["makedelta"], Value::Bool)
        .says("", "note what is written to them as changes for other syncs; none: as the sync says"),
    Key::new("strict_checking", &["strict_checking"], Value::Bool)
        .says("1", "refuse columns that differ in a way that may do no harm"),
    Key::new("analyze_after_copy", &["analyze_after_copy"], Value::Bool).says("1", "ANALYZE after a copy"),
    Key::new("rebuild_index", &["rebuild_index", "rebuildindex"], Value::Number)
        .says("0", "1: build the indexes anew after a copy"),
    Key::new("customselect", &["customselect"], Value::Text).says("", "fullcopy: the SELECT to copy, if the sync wants it"),
    Key::new("delta_bypass", &["delta_bypass"], Value::Bool)
        .says("0", "copy the whole table when many of its rows have changed: as many as one of the next keys says"),
    Key::new("delta_bypass_count", &["delta_bypass_count"], Value::Number).says("", "from so many changes on"),
    Key::new("delta_bypass_percent", &["delta_bypass_percent"], Value::Number).says("", "from so many percent of the rows on"),
    Key::new("delta_bypass_min", &["delta_bypass_min"], Value::Number)
        .says("", "the percentage counts only from so many changes on"),
    Key::new("has_delta", &["has_delta"], Value::Bool).says("0", "without effect"),
];

pub(super) fn run(session: &mut Session, noun: Noun, words: &[String]) -> Result<u8> {
    let (kind, usage) = match noun {
        Noun::Sequence => ("sequence", USAGE_SEQUENCE),
        _ => ("table", USAGE_TABLE),
    };
    let pairs = pairs::read(words, KEYS, usage)?;
    if pairs.rest.is_empty() {
        return Ok(help::usage(session.personality, "add", &[kind]));
    }
    let Some(relations) = relations(kind, &pairs.rest) else { return Ok(1) };
    let pairs = in_sync(&mut session.control, pairs)?;
    let Added { lines, goats, outside } = session.transaction(|session| add(&mut session.control, kind, &relations, &pairs))?;
    super::report(session, &lines);
    if let (Some(herd), false) = (pairs.get("herd"), outside.is_empty()) {
        tell_outside(session, kind, herd, &outside);
    }
    kinds::warn_of_no_key(&mut session.control, &goats)?;
    if let Some(herd) = pairs.get("herd").filter(|_| !lines.is_empty()) {
        used::herd(&mut session.control, herd)?;
    }
    Ok(0)
}

/// The herd of a sync is the herd that is meant.
pub(super) fn in_sync(control: &mut Connection, pairs: Pairs) -> Result<Pairs> {
    let Some(sync) = pairs.get("sync") else { return Ok(pairs) };
    let row = control.query_opt("select source from bucardo.sync where name = $1", &[&sync])?;
    let Some(herd) = row.map(|row| row.get::<_, String>(0)) else {
        let hint = near::among(control, "sync", sync, "`list sync` shows the syncs; `add sync` adds one");
        return Err(refusal::missing(format!("Unknown sync: {sync}"), hint));
    };
    match pairs.get("herd") {
        Some(other) if other != herd => Err(refusal::refused(
            format!("The herd of sync \"{sync}\" is \"{herd}\", and not \"{other}\""),
            "give herd= or sync=, and not both",
        )),
        _ => Ok(pairs.or(KEYS, "herd", Some(herd))),
    }
}

/// The names as relations, or a complaint about one that cannot be a name.
fn relations(kind: &str, words: &[String]) -> Option<Vec<Relation>> {
    let named = words.iter().map(|word| relation::named(word).ok_or(word)).collect::<std::result::Result<Vec<_>, _>>();
    named
        .map_err(|word| {
            warn_user!("Invalid {kind} name: {word}");
            warn_user!("HINT: give {kind} or schema.{kind}; a name with other than word characters goes in double quotes: '\"My {kind}\"'");
        })
        .ok()
}

/// What came of it.
#[derive(Default)]
struct Added {
    /// What is said.
    lines: Vec<String>,
    /// Those that were added.
    goats: Vec<i32>,
    /// Those that were known, and are not in the herd that was named.
    outside: Vec<String>,
}

/// The original leaves a known one alone in silence; that it is not in the herd has to be known.
fn tell_outside(session: &Session, kind: &str, herd: &str, outside: &[String]) {
    for label in outside {
        warn_user!("Note: {kind} \"{label}\" was added before and is not in herd \"{herd}\"; this does not put it there");
    }
    let prog = &session.prog;
    warn_user!("HINT: To put it into the herd of a sync, run: {prog} update sync SYNC add {kind} {}", outside[0]);
}

fn add(control: &mut Connection, kind: &'static str, relations: &[Relation], pairs: &Pairs) -> Result<Added> {
    let db = database(control, pairs.get("db"))?;
    let mut adder = Adder::new(&db, kind);
    let Added { mut lines, mut goats, mut outside } = Added::default();
    if let Some(herd) = pairs.get("herd") {
        if herd::ensure(control, herd)? {
            lines.push(format!("Created herd \"{herd}\""));
        }
    }
    for relation in relations {
        let (goat, is_new) = adder.add(control, relation, pairs)?;
        if !is_new {
            // It is left alone, and not put into the herd either (reference, section 10, 9).
            if !is_in_herd(control, pairs.get("herd"), goat.id)? {
                outside.push(relation.label().to_string());
            }
            continue;
        }
        if let Some(herd) = pairs.get("herd") {
            herd::join(control, herd, &goat)?;
        }
        lines.push(format!("Added {kind} \"{}\"", relation.label()));
        goats.push(goat.id);
    }
    Ok(Added { lines, goats, outside })
}

fn is_in_herd(control: &mut Connection, herd: Option<&str>, goat: i32) -> Result<bool> {
    let sql = "select from bucardo.herdmap where herd = $1 and goat = $2";
    Ok(control.query_opt(sql, &[&herd, &goat])?.is_some())
}

/// The database meant: the one named, else the only one there is.
fn database(control: &mut Connection, named: Option<&str>) -> Result<String> {
    let rows = control.query("select name from bucardo.db order by name", &[])?;
    let known: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    match (named, known.as_slice()) {
        (Some(name), known) if known.iter().any(|db| db == name) => Ok(name.to_owned()),
        (Some(name), known) => {
            let question = near::question(name, known.iter().map(String::as_str));
            let hint = near::ahead(question, "`list db` shows the databases; `add db` adds one");
            Err(refusal::missing(format!("Invalid database: \"{name}\""), hint))
        }
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(refusal::missing("Please specify a database with db=<name>", "there is none yet; `add db` adds one")),
        (None, several) => {
            let hint = format!("the databases are: {}", several.join(", "));
            Err(refusal::refused("Please specify a database with db=<name>", hint))
        }
    }
}
