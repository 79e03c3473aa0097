//! All columns of one row, for `list` with `--verbose` twice.

use crate::cli::noun::Noun;
use crate::error::Result;
use crate::pg::{Connection, Ident};
use crate::plain;

/// The one column whose value has lines.
const SOURCE: &str = "src_code";

/// The columns of the row called `key`, in alphabetical order: four blanks, the name, its value. A
/// password is there, but not shown.
pub fn of(control: &mut Connection, noun: Noun, key: &str) -> Result<Vec<String>> {
    let (table, key_column) = match noun {
        Noun::Db => ("db", "name"),
        Noun::Dbgroup => ("dbgroup", "name"),
        Noun::Herd => ("herd", "name"),
        Noun::Sync => ("sync", "name"),
        Noun::Table | Noun::Sequence => ("goat", "id"),
        Noun::Customcode => ("customcode", "name"),
        Noun::Customname => ("customname", "id"),
        Noun::Customcols => ("customcols", "id"),
        Noun::Conflict => ("conflict", "id"),
    };
    let mut columns = columns(control, table)?;
    columns.sort_by_key(|column| column.name == SOURCE);
    let list: Vec<_> = columns.iter().map(Column::expression).collect();
    let sql = format!("select {} from bucardo.{table} where {key_column}::text = $1", list.join(", "));
    let Some(row) = control.query_opt(&sql, &[&key])? else { return Ok(Vec::new()) };
    let values: Vec<_> = columns.iter().enumerate().map(|(at, column)| (column.name.as_str(), row.get(at))).collect();
    Ok(lines(&values))
}

struct Column {
    name: String,
    type_name: String,
}

impl Column {
    /// The value as text; booleans are 1 and 0, as the original's driver gave them.
    fn expression(&self) -> String {
        let name = Ident::new(&self.name);
        match (self.name.as_str(), self.type_name.as_str()) {
            ("dbpass", _) => format!("case when {name} is not null then '<not shown>' end"),
            ("dbconn", _) => format!("case when {name} ~* 'pass' then '<not shown>' else {name} end"),
            (_, "bool") => format!("{name}::int::text"),
            _ => format!("{name}::text"),
        }
    }
}

fn columns(control: &mut Connection, table: &str) -> Result<Vec<Column>> {
    let sql = "select attname::text collate \"C\", (select typname::text from pg_catalog.pg_type where oid = atttypid) \
        from pg_catalog.pg_attribute where attrelid = ('bucardo.' || $1)::regclass and attnum > 0 and not attisdropped order by 1";
    let rows = control.query(sql, &[&table])?;
    Ok(rows.iter().map(|row| Column { name: row.get(0), type_name: row.get(1) }).collect())
}

fn lines(values: &[(&str, Option<String>)]) -> Vec<String> {
    let width = super::width(values.iter().map(|(name, _)| *name), 0);
    let line = |(name, value): &(&str, Option<String>)| {
        let value = value.as_deref().unwrap_or("NULL");
        format!("    {name:<width$} = {}", if *name == SOURCE { value.into() } else { plain::line(value) })
    };
    values.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_padded_and_null_has_a_word() {
        let values = [("onetimecopy", Some("2".to_owned())), ("checktime", None)];
        assert_eq!(lines(&values), ["    onetimecopy = 2", "    checktime   = NULL"]);
    }
}
