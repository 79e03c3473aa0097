//! What the name after `update TYPE` means: one thing, or all that a pattern matches.

use crate::cli::noun::Noun;
use crate::cli::{near, refusal, relation};
use crate::error::{Error, Result};
use crate::pg::Connection;

/// Something that is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// The value of its key column, as text.
    pub key: String,
    /// What it is called in messages.
    pub label: String,
}

/// A kind of thing as the control database has it.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its table.
    pub name: &'static str,
    /// The column that tells one from the other.
    pub key: &'static str,
    /// What it is called in messages.
    pub title: &'static str,
}

/// Where things of this kind are kept.
pub fn table(noun: Noun) -> Table {
    let (name, key, title) = match noun {
        Noun::Db => ("db", "name", "db"),
        Noun::Dbgroup => ("dbgroup", "name", "dbgroup"),
        Noun::Herd => ("herd", "name", "herd"),
        Noun::Sync => ("sync", "name", "sync"),
        Noun::Table => ("goat", "id", "table"),
        Noun::Sequence => ("goat", "id", "sequence"),
        Noun::Customcode => ("customcode", "name", "customcode"),
        Noun::Customname => ("customname", "id", "customname"),
        Noun::Customcols => ("customcols", "id", "customcols"),
        Noun::Conflict => ("conflict", "id", "conflict"),
    };
    Table { name, key, title }
}

/// All things that `name` means, by their names; none is refused.
pub fn things(control: &mut Connection, noun: Noun, name: &str) -> Result<Vec<Thing>> {
    things_in(control, noun, name, None)
}

/// The same for tables and sequences of one database.
pub fn things_in(control: &mut Connection, noun: Noun, name: &str, db: Option<&str>) -> Result<Vec<Thing>> {
    let found = match noun {
        Noun::Table | Noun::Sequence => goats(control, table(noun).title, name, db)?,
        _ => named(control, table(noun).name, name, "")?,
    };
    if found.is_empty() { Err(missing(control, noun, name)) } else { Ok(found) }
}

/// Those whose names match from the start: the dialect of the forms that change members.
pub fn anchored(control: &mut Connection, noun: Noun, name: &str) -> Result<Vec<Thing>> {
    let found = named(control, table(noun).name, name, "^")?;
    if found.is_empty() { Err(missing(control, noun, name)) } else { Ok(found) }
}

fn missing(control: &mut Connection, noun: Noun, name: &str) -> Error {
    let title = table(noun).title;
    let plain = name.replacen('*', "", 1);
    let hint = format!("`list {title}` shows what there is");
    let hint = match noun {
        Noun::Table | Noun::Sequence => relation::guess(control, name, &hint),
        _ => near::among(control, table(noun).name, name, &hint),
    };
    refusal::missing(format!("No matches found for {title} \"{plain}\""), hint)
}

fn named(control: &mut Connection, table: &str, name: &str, anchor: &str) -> Result<Vec<Thing>> {
    let (test, name) = comparison(name, anchor);
    let sql = format!("select name from bucardo.{table} where name {test} $1 order by name");
    let rows = control.query(&sql, &[&name])?;
    Ok(rows.iter().map(|row| Thing { key: row.get(0), label: row.get(0) }).collect())
}

/// How a name is compared, and with what: without its first star as a regular expression, or as it
/// is.
fn comparison(name: &str, anchor: &str) -> (&'static str, String) {
    if name.contains('*') { ("~", format!("{anchor}{}", name.replacen('*', "", 1))) } else { ("=", name.to_owned()) }
}

/// Tables or sequences; with or without schema, and a pattern in either part.
fn goats(control: &mut Connection, kind: &str, name: &str, db: Option<&str>) -> Result<Vec<Thing>> {
    let (schema, table) = name.split_once('.').map_or((None, name), |(schema, table)| (Some(schema), table));
    let ((schema_test, schema), (test, table)) = (comparison(schema.unwrap_or("*"), ""), comparison(table, ""));
    let sql = format!(
        "select id::text, schemaname || '.' || tablename from bucardo.goat \
         where reltype = $1 and schemaname {schema_test} $2 and tablename {test} $3 and db = coalesce($4, db) order by schemaname, tablename, id"
    );
    let rows = control.query(&sql, &[&kind, &schema, &table, &db])?;
    Ok(rows.iter().map(|row| Thing { key: row.get(0), label: row.get(1) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_makes_a_pattern_of_what_is_left() {
        assert_eq!(comparison("s*", ""), ("~", "s".to_owned()));
        assert_eq!(comparison("s*", "^"), ("~", "^s".to_owned()));
        assert_eq!(comparison("s", "^"), ("=", "s".to_owned()));
    }
}
