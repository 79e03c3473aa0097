//! A row on its way into a control table. Names are ours; values travel as text parameters and are
//! cast to the column's type by the server, which is also the one to refuse them.

use crate::cli::pairs::{Pairs, Value};
use crate::error::Result;
use crate::pg::Connection;
use postgres::types::ToSql;

/// The columns that are set; all others get their defaults.
pub struct Insert {
    table: &'static str,
    columns: Vec<(&'static str, Option<String>, &'static str)>,
}

impl Insert {
    /// A row of defaults for `bucardo.TABLE`.
    pub fn into(table: &'static str) -> Insert {
        Insert { table, columns: Vec::new() }
    }

    /// Sets a text column.
    pub fn text(mut self, column: &'static str, value: &str) -> Insert {
        self.columns.push((column, Some(value.to_owned()), Value::Text.sql_type()));
        self
    }

    /// Sets what was given by the user, but not the keys in `except`, which mean something else.
    pub fn pairs(mut self, pairs: &Pairs, except: &[&str]) -> Insert {
        let given = pairs.given().filter(|(key, _)| key.stored && !except.contains(&key.column));
        self.columns.extend(given.map(|(key, value)| (key.column, Some(value.to_owned()), key.takes.sql_type())));
        self
    }

    /// Inserts it; the value of the column `returning` as text.
    pub fn run(&self, control: &mut Connection, returning: &str) -> Result<String> {
        let values: Vec<&(dyn ToSql + Sync)> = self.columns.iter().map(|(_, value, _)| value as _).collect();
        Ok(control.query_one(&self.sql(returning), &values)?.get(0))
    }

    fn sql(&self, returning: &str) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, ..)| *name).collect();
        let casts = self.columns.iter().enumerate().map(|(at, (.., sql_type))| format!("${}::text::{sql_type}", at + 1));
        format!(
            "insert into bucardo.{} ({}) values ({}) returning {returning}::text",
            self.table,
            names.join(", "),
            casts.collect::<Vec<_>>().join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_a_parameter_cast_to_its_type() {
        let insert = Insert::into("herd").text("name", "h'; drop table x");
        assert_eq!(insert.sql("name"), "insert into bucardo.herd (name) values ($1::text::text) returning name::text");
    }
}
