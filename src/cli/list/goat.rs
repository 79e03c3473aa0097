//! `list table` and `list sequence`.

use super::newer::of_database;
use super::{Entry, names, width};
use crate::cli::pattern;
use crate::error::Result;
use crate::pg::Connection;

struct Goat {
    id: i32,
    label: String,
    db: String,
    key: Option<(String, String)>,
    herds: Vec<String>,
    syncs: Vec<String>,
}

/// `kind` is `table` or `sequence`. As in the newer dialect, `db=X` among the words restricts them
/// to one database.
pub fn entries(control: &mut Connection, kind: &str, words: &[String]) -> Result<Vec<Entry>> {
    let (db, words) = of_database(words);
    let (schemas, patterns): (Vec<_>, Vec<_>) = words.map(|word| pattern::relation(word)).unzip();
    let rows = control.query(include_str!("goat.sql"), &[&kind, &schemas, &patterns])?;
    let goats: Vec<_> = rows.iter().map(goat).filter(|goat| db.is_none_or(|db| goat.db == db)).collect();
    let lines = if kind == "table" { tables(&goats) } else { sequences(&goats) };
    let entry = |(goat, line): (&Goat, String)| Entry { line, below: None, more: more(goat), key: goat.id.to_string() };
    Ok(goats.iter().zip(lines).map(entry).collect())
}

fn goat(row: &postgres::Row) -> Goat {
    let key: Option<String> = row.get("pkey");
    Goat {
        id: row.get("id"),
        label: row.get("label"),
        db: row.get("db"),
        key: key.map(|key| (key, row.get::<_, Option<String>>("pkeytype").unwrap_or_default())),
        herds: row.get("herds"),
        syncs: row.get("syncs"),
    }
}

fn tables(goats: &[Goat]) -> Vec<String> {
    let label = width(goats.iter().map(|goat| goat.label.as_str()), 0);
    let db = width(goats.iter().map(|goat| goat.db.as_str()), 0);
    goats.iter().map(|goat| format!("Table: {:<label$}  DB: {:<db$}  PK: {}", goat.label, goat.db, key(goat))).collect()
}

/// The key, `none`, or, where nobody has looked yet, `unknown`.
fn key(goat: &Goat) -> String {
    match &goat.key {
        None => "unknown".to_owned(),
        Some((columns, _)) if columns.is_empty() => "none".to_owned(),
        Some((columns, types)) => format!("{columns} ({types})"),
    }
}

fn sequences(goats: &[Goat]) -> Vec<String> {
    let label = width(goats.iter().map(|goat| goat.label.as_str()), 0);
    goats.iter().map(|goat| format!("Sequence: {:<label$}  DB: {}", goat.label, goat.db)).collect()
}

fn more(goat: &Goat) -> Vec<String> {
    let lines = [names("  Belongs to herds: ", &goat.herds), names("  Belongs to syncs: ", &goat.syncs)];
    lines.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goat(label: &str, key: Option<(&str, &str)>) -> Goat {
        let key = key.map(|(columns, types)| (columns.to_owned(), types.to_owned()));
        Goat { id: 1, label: label.to_owned(), db: "a".to_owned(), key, herds: vec![], syncs: vec![] }
    }

    #[test]
    fn a_table_shows_its_key_or_that_it_has_none() {
        let goats = [
            goat("public.nopk", Some(("", ""))),
            goat("public.t1", Some(("id", "int4"))),
            goat("public.t2", Some(("a|b", "int4|text"))),
            goat("s.new", None),
        ];
        assert_eq!(
            tables(&goats),
            [
                "Table: public.nopk  DB: a  PK: none",
                "Table: public.t1    DB: a  PK: id (int4)",
                "Table: public.t2    DB: a  PK: a|b (int4|text)",
                "Table: s.new        DB: a  PK: unknown",
            ]
        );
        assert_eq!(sequences(&[goat("public.s1", None)]), ["Sequence: public.s1  DB: a"]);
    }
}
