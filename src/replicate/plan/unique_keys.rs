//! What a row claims for itself alone: the values of a unique index or an exclusion constraint,
//! which may be expressions over its columns and concern only some rows.

use super::Plan;
use crate::pg::Ident;
use crate::replicate::catalog::shape::Unique;

impl Plan {
    /// What unique indexes and exclusion constraints besides the key's forbid, as far as they read
    /// only what is carried.
    pub(super) fn claims(&self) -> Vec<&Unique> {
        let carried =
            |column: &String| self.key.columns.contains(column) || self.others.iter().any(|other| other.raw() == column);
        self.uniques.iter().filter(|unique| unique.reads.iter().all(carried)).collect()
    }

    /// The staged rows that live and claim something: their keys, when and where they changed, and
    /// the claims.
    pub(super) fn staged_claims(&self, unique: &Unique) -> String {
        let keys = self.keys().into_iter().zip(self.stage_keys().into_iter().map(|key| key.to_string()));
        let others = self.others.iter().cloned().zip(self.received_others());
        let read = |column: &Ident| unique.reads.iter().any(|name| name == column.raw());
        let named = keys.chain(others).filter(|(column, _)| read(column)).map(|(column, value)| format!("{value} as {column}"));
        format!(
            "(select s.{}, s.changed, s.member, u.* from {} as s \
             cross join lateral (select {} from (select {}) as t{}) as u where s.alive)",
            self.stage_keys().iter().map(ToString::to_string).collect::<Vec<_>>().join(", s."),
            self.stage(),
            values(unique),
            named.collect::<Vec<_>>().join(", "),
            concerned(unique)
        )
    }

    /// A staged row as it would be written; null if it is deleted.
    pub(super) fn staged_row(&self, row: &str) -> String {
        let keys = self.keys().into_iter().zip(self.stage_keys().into_iter().map(|key| format!("{row}.{key}")));
        let all = keys.chain(self.others.iter().cloned().zip(self.received_others()));
        let all: Vec<String> = all.map(|(column, value)| format!("{value} as {column}")).collect();
        format!("case when {row}.alive then (select to_jsonb(r.*) from (select {}) as r) end", all.join(", "))
    }

    /// The receiver's row with the key of a staged one.
    pub(super) fn row_here(&self, staged: &str) -> String {
        format!("(select to_jsonb(o.*) from {} as o where {})", self.target_from, self.matched_target("o", staged))
    }

    /// The receiver's rows that claim something: their keys as in the stage, and the claims.
    pub(super) fn own_claims(&self, unique: &Unique) -> String {
        format!("(select {}, {} from {}{})", self.named_keys(), values(unique), self.target_from, concerned(unique))
    }
}

/// That two rows claim the same.
pub(super) fn both_claim(unique: &Unique, left: &str, right: &str) -> String {
    let equal = |(at, operator): (usize, &String)| {
        let (one, other) = (format!("{left}.u{}", at + 1), format!("{right}.u{}", at + 1));
        let nulls = if unique.nulls { format!(" or ({one} is null and {other} is null)") } else { String::new() };
        format!("({one} {operator} {other}{nulls})")
    };
    unique.operators.iter().enumerate().map(equal).collect::<Vec<_>>().join(" and ")
}

fn values(unique: &Unique) -> String {
    let named = unique.values.iter().enumerate().map(|(at, value)| format!("({value}) as u{}", at + 1));
    named.collect::<Vec<_>>().join(", ")
}

fn concerned(unique: &Unique) -> String {
    unique.predicate.as_ref().map(|predicate| format!(" where {predicate}")).unwrap_or_default()
}
