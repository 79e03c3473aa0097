//! `inspect`: foreign keys that leave a herd. Rows that refer to one another should be replicated
//! together (reference, 3.15).

use crate::cli::add::remote;
use crate::cli::noun::{self, Noun};
use crate::cli::relation::{self, Goat};
use crate::cli::table::Topic;
use crate::cli::{Session, help, near, refusal};
use crate::error::Result;
use crate::pg::Connection;
use crate::say;

/// Usage texts.
pub const TOPICS: &[Topic] = &[
    help::only(
        "Usage: inspect <type> <name>

  inspect table <name ...>     foreign keys of these tables that leave their herd

  inspect table public.lines",
    ),
    help::about(&["table", "tables", "t"], "Usage: inspect table <name>\n\n  inspect table public.lines"),
    help::about(&["herd", "herds", "h"], "Usage: inspect herd <name>\n\n  not implemented yet"),
    help::about(&["sync", "syncs", "s"], "Usage: inspect sync <name>\n\n  not implemented yet"),
];

/// `inspect TYPE NAME ...`.
pub fn run(session: &mut Session, nouns: &[String]) -> Result<u8> {
    let Some((noun, names)) = nouns.split_first().and_then(|(kind, names)| Some((kind_of(kind)?, names))) else {
        nouns.first().into_iter().for_each(|word| near::type_meant(word));
        return Ok(help::usage(session.personality, "inspect", &[]));
    };
    match (noun, names) {
        (_, []) => Ok(help::usage(session.personality, "inspect", &[&nouns[0]])),
        (Noun::Table, names) => tables(session, names),
        _ => Err(refusal::refused("Not implemented yet", "`inspect table` looks at the tables of a herd one by one")),
    }
}

fn kind_of(word: &str) -> Option<Noun> {
    match word.to_lowercase().as_str() {
        word if word.contains("tab") || word == "t" => Some(Noun::Table),
        word if word.contains("sync") || word == "s" => Some(Noun::Sync),
        word if word.contains("herd") || word == "h" => Some(Noun::Herd),
        word => noun::exact(word).filter(|noun| *noun == Noun::Herd),
    }
}

fn tables(session: &mut Session, names: &[String]) -> Result<u8> {
    let mut goats = Vec::new();
    for name in names {
        let found = relation::find(&mut session.control, name, None)?;
        if found.is_empty() {
            let hint = relation::guess(&mut session.control, name, "`list table` shows what there is");
            return Err(refusal::missing(format!("Unknown table: {name}"), hint));
        }
        goats.extend(found);
    }
    goats.iter().try_for_each(|goat| inspect(&mut session.control, goat))?;
    Ok(0)
}

fn inspect(control: &mut Connection, goat: &Goat) -> Result<()> {
    say!("Inspecting {} on {}", goat.relation.label(), goat.db);
    let herds = control.query("select herd from bucardo.herdmap where goat = $1 order by herd", &[&goat.id])?;
    let herds: Vec<String> = herds.iter().map(|row| row.get(0)).collect();
    let mut remote = remote::open(control, &goat.db)?;
    let (schema, table) = (goat.relation.schema.raw(), goat.relation.name.raw());
    for row in remote.connection.query(include_str!("inspect.sql"), &[&schema, &table])? {
        let other = Other { schema: row.get(0), table: row.get(1), is_target: row.get(2) };
        for line in lines(control, goat, &herds, &other)? {
            say!("{line}");
        }
    }
    Ok(())
}

/// A table that has a foreign key to the one inspected, or to which that one has one.
struct Other {
    schema: String,
    table: String,
    is_target: bool,
}

fn lines(control: &mut Connection, goat: &Goat, herds: &[String], other: &Other) -> Result<Vec<String>> {
    let (me, label) = (goat.relation.label(), format!("{}.{}", other.schema, other.table));
    if herds.is_empty() {
        let used = if other.is_target { "FK" } else { "FK target" };
        return Ok(vec![format!("Table {me} is used as {used} by {label}")]);
    }
    let used = if other.is_target { "FK target" } else { "FK" };
    let sql = "select h from unnest($1::text[]) h where not exists (select from bucardo.herdmap m \
        join bucardo.goat g on g.id = m.goat where m.herd = h and g.schemaname = $2 and g.tablename = $3) order by h";
    let without = control.query(sql, &[&herds, &other.schema, &other.table])?;
    let line =
        |row: &postgres::Row| format!("Table {me} is in herd {}, but {label} (used as {used}) is not", row.get::<_, String>(0));
    Ok(without.iter().map(line).collect())
}
