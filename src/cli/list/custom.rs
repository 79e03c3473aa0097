//! `list customname` and `list customcols`.

use super::Entry;
use crate::cli::noun::Noun;
use crate::cli::pattern;
use crate::error::Result;
use crate::pg::Connection;
use crate::pg::fill;

pub fn entries(control: &mut Connection, noun: Noun, words: &[String]) -> Result<Vec<Entry>> {
    let (table, column, title) = match noun {
        Noun::Customname => ("customname", "newname", "Name"),
        _ => ("customcols", "clause", "Clause"),
    };
    let (schemas, names): (Vec<_>, Vec<_>) = words.iter().map(|word| pattern::relation(word)).unzip();
    let sql = fill(include_str!("custom.sql"), &[("table", &table), ("column", &column)]);
    let rows = control.query(&sql, &[&schemas, &names])?;
    let entry = |row: &postgres::Row| {
        let (id, label, text): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
        let of = [("DB", row.get::<_, Option<String>>(3)), ("Sync", row.get(4))];
        let of: String = of.into_iter().filter_map(|(what, name)| Some(format!("  {what}: {}", name?))).collect();
        Entry { line: format!("{id}. Table: {label}  {title}: {text}{of}"), below: None, more: Vec::new(), key: id.to_string() }
    };
    Ok(rows.iter().map(entry).collect())
}
