//! Columns of the receiver that the source does not fill. Where a row is deleted and inserted, what
//! it has in them is *kept* meanwhile.

use super::apply::COUNT;
use super::{Plan, Write, list_plain, matched, of};
use crate::pg::fill;
use crate::pg::{Ident, Relation};

impl Plan {
    /// Whether anything has to be kept.
    pub fn keeps(&self) -> bool {
        self.write == Write::Replace && !self.kept.is_empty()
    }

    fn keeping(&self) -> Relation {
        self.temporary("kept")
    }

    fn numbered(letter: &str, columns: &[Ident]) -> Vec<Ident> {
        (1..=columns.len()).map(|position| Ident::new(format!("{letter}{position}"))).collect()
    }

    /// The key's columns and the kept ones, as they are called where they are kept.
    fn keeping_columns(&self) -> (Vec<Ident>, Vec<Ident>) {
        (Plan::numbered("o", &self.keys()), Plan::numbered("x", &self.kept))
    }

    /// Makes the table of what is kept.
    pub fn create_kept(&self) -> String {
        let (keys, values) = self.keeping_columns();
        let named = self.keys().into_iter().chain(self.kept.clone()).zip(keys.into_iter().chain(values));
        let columns: Vec<String> = named.map(|(column, name)| format!("{column} as {name}")).collect();
        self.create_empty(&self.keeping(), &columns.join(", "), &self.target_from)
    }

    /// Removes it.
    pub fn drop_kept(&self) -> String {
        format!("drop table if exists {}", self.keeping())
    }

    /// What the DELETE returns besides, and the statement that takes it from there. Without an
    /// index on the key there may be several such rows, of which one comes back.
    pub(super) fn keep(&self) -> (String, String) {
        if !self.keeps() {
            return (String::new(), String::new());
        }
        let (keys, values) = self.keeping_columns();
        let all: Vec<Ident> = keys.iter().chain(&values).cloned().collect();
        let from_stage = self.stage_keys().into_iter().map(|k| format!("s.{k}"));
        let returned = from_stage.chain(self.kept.iter().map(|column| format!("t.{column}"))).zip(&all);
        let returned: String = returned.map(|(value, name)| format!(", {value} as {name}")).collect();
        let (keys, all) = (list_plain(&keys), list_plain(&all));
        let insert = fill(include_str!("sql/keep.sql"), &[("keeping", &self.keeping()), ("columns", &all), ("keys", &keys)]);
        (returned, insert)
    }

    /// Inserts what lives: rows that were there with what they had, and new ones.
    pub(super) fn write_with_kept(&self, values: &str) -> String {
        let (keys, kept) = self.keeping_columns();
        let same = matched("o", "s", &keys, &self.stage_keys(), &self.target_equals);
        fill(
            include_str!("sql/write_with_kept.sql"),
            &[
                ("target", &self.target),
                ("filled", &list_plain(&self.filled())),
                ("kept", &list_plain(&self.kept)),
                ("values", &values),
                ("kept_values", &of("o", &kept)),
                ("stage", &self.stage()),
                ("keeping", &self.keeping()),
                ("same_key", &same),
                ("count", &COUNT),
            ],
        )
    }
}
