//! Columns of the receiver that the source does not fill. Where a row is deleted and inserted, what it has in them is *kept* meanwhile.

use super::apply::COUNT;
use super::{Plan, Write, list_plain, matched, of};
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
        format!(
            "create temporary table {} on commit delete rows as select {} from {} with no data",
            self.keeping().name,
            columns.join(", "),
            self.target_from
        )
    }

    /// Removes it.
    pub fn drop_kept(&self) -> String {
        format!("drop table if exists {}", self.keeping())
    }

    /// What the DELETE returns besides, and the statement that takes it from there. Without an index on the key there may be several such rows,
    /// of which one comes back.
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
        let insert =
            format!(", kept as (insert into {} ({all}) select distinct on ({keys}) {all} from gone where alive)", self.keeping());
        (returned, insert)
    }

    /// Inserts what lives: rows that were there with what they had, and new ones.
    pub(super) fn write_with_kept(&self, values: &str) -> String {
        let (keys, kept) = self.keeping_columns();
        let same = matched("o", "s", &keys, &self.stage_keys(), &self.target_equals);
        let (filled, old, stage) = (list_plain(&self.filled()), self.keeping(), self.stage());
        let insert = |columns: &str| format!("insert into {} ({columns}) overriding system value select {values}", self.target);
        format!(
            "with again as ({}, {} from {stage} as s join {old} as o on {same} where s.alive returning 1), \
             fresh as ({} from {stage} as s where s.alive and not exists (select from {old} as o where {same}) returning 1) \
             select (select {COUNT} from again) operator(pg_catalog.+) (select {COUNT} from fresh), 0",
            insert(&format!("{filled}, {}", list_plain(&self.kept))),
            of("o", &kept),
            insert(&filled),
        )
    }
}
