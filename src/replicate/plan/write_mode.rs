//! How living rows are written.
//!
//! Where the key's index is the only one that can refuse a row, by INSERT … ON CONFLICT, which
//! leaves unchanged index entries alone; elsewhere two rows may exchange a unique value, so
//! everything named in the stage is deleted first and what lives is inserted. So is a row whose key
//! is the same, but written in another way. Where foreign keys are in force at the receiver, others
//! would miss a row that is deleted for a moment: it is written in place, whatever other indexes
//! there are, and a key that is written in another way is set.

use super::{Plan, matched};
use crate::error::{Error, Kind, Result};
use crate::pg::{Ident, Relation};
use crate::replicate::catalog::shape::{Column, Key, Shape, Unique};
use crate::replicate::ids::{ById, TableId};
use std::collections::BTreeSet;

/// How living rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// INSERT … ON CONFLICT DO UPDATE.
    Upsert,
    /// The same, and no living row is ever deleted.
    InPlace,
    /// DELETE everything named, then INSERT.
    Replace,
}

/// A foreign key at the receiver that refers to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The table that refers to the row.
    pub from: Relation,
    /// It is in force, and makes a difference where a row is deleted for a moment.
    pub heeds: bool,
    /// Its rows, or values in them, would go along. If not, the deletion would be refused.
    pub acts: bool,
}

/// What a table of the receiver allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ways {
    /// How rows are best written.
    pub best: Write,
    /// Whether they can be written in place. The server refuses ON CONFLICT where there are rules,
    /// also those that are off.
    pub in_place: bool,
}

impl Ways {
    /// What it allows for the columns `others` beside the key. With columns that are `kept`, no row
    /// is deleted without need.
    pub fn of(target: &Shape, target_key: Option<&Key>, others: &[&Column], kept: &[Ident]) -> Ways {
        let assignable = others.iter().all(|column| !column.identity_always);
        let in_place = target_key.is_some_and(|key| key.immediate) && assignable && !target.rules;
        let best = match in_place && target.unique_indexes == 1 {
            true if kept.is_empty() => Write::Upsert,
            true => Write::InPlace,
            false => Write::Replace,
        };
        Ways { best, in_place }
    }
}

/// The columns of a key that can be set in a row that is there.
pub(super) fn settable(target: &Shape, key: &Key) -> Vec<Ident> {
    let fixed = |name: &Ident| target.column(name.raw()).is_some_and(|column| column.generated || column.identity_always);
    key.idents().into_iter().filter(|name| !fixed(name)).collect()
}

impl Plan {
    /// The same plan where these foreign keys are in force at the receiver. If it would take rows
    /// of other tables along unseen, it is [`Kind::Mismatch`].
    pub fn with_enforced_foreign_keys(self, references: &[Reference]) -> Result<Plan> {
        let from = |which: fn(&&Reference) -> bool| references.iter().filter(which).map(|one| one.from.clone()).collect();
        let dependents: Vec<Relation> = from(|one| one.heeds && one.acts);
        let emptied = if self.copying.cascade { from(|_| true) } else { Vec::new() };
        let heeded = references.iter().any(|one| one.heeds);
        let write = if self.in_place && heeded { Write::InPlace } else { self.write };
        match dependents.first().filter(|_| write == Write::Replace && self.captured) {
            Some(from) => Err(self.cascade_refusal(from, "whose rows cannot be written in place")),
            None => Ok(Plan { write, dependents, emptied, ..self }),
        }
    }

    /// The refusal to delete rows that others refer to.
    pub fn cascade_refusal(&self, from: &Relation, why: &str) -> Error {
        let sentence = format!(
            "Table {} would lose rows or values: by its foreign key, which is in force, they go with those of {}, {why}",
            from.label(),
            self.target.label()
        );
        Error::new(Kind::Mismatch, sentence)
    }

    /// The tables whose rows, or values in them, go when a row is deleted.
    pub fn dependents(&self) -> &[Relation] {
        &self.dependents
    }

    /// The tables that must be filled after this one: what is removed here goes there, too.
    pub fn before(&self) -> impl Iterator<Item = &Relation> {
        self.dependents.iter().chain(&self.emptied)
    }

    /// Whether living rows are never deleted.
    pub fn writes_in_place(&self) -> bool {
        self.write == Write::InPlace
    }

    /// The unique indexes over plain columns, with their names in the stage. Columns that share an
    /// array there are left out.
    fn staged_uniques(&self) -> Vec<(&Unique, Vec<Ident>)> {
        let staged = |column: &String| {
            let key = self.key.columns.iter().position(|k| k == column).map(|at| Ident::new(format!("k{}", at + 1)));
            let plain = &self.others[..self.unpacked()];
            key.or_else(|| plain.iter().position(|c| c.raw() == column).map(|at| Ident::new(format!("c{}", at + 1))))
        };
        let plain = self.uniques.iter().filter(|unique| !unique.columns.is_empty());
        plain.filter_map(|unique| Some((unique, unique.columns.iter().map(staged).collect::<Option<_>>()?))).collect()
    }

    /// Rows whose unique values are free come before those whose values another row has to give up
    /// first.
    pub(super) fn free_first(&self) -> String {
        let taken = |(unique, staged): (&Unique, Vec<Ident>)| {
            let columns: Vec<Ident> = unique.columns.iter().map(Ident::new).collect();
            let claims = matched("t", "s", &columns, &staged, &unique.operators);
            format!("exists (select from {} as t where {claims} and not ({}))", self.target_from, self.matched_target("t", "s"))
        };
        let all: Vec<String> = self.staged_uniques().into_iter().map(taken).collect();
        if all.is_empty() || !self.writes_in_place() { String::new() } else { format!("\n  order by {}", all.join("\n    or ")) }
    }
}

/// An order in which each comes after all that it has to come `after`, as far as that is possible,
/// and else as it was.
pub fn ordered(after: &ById<TableId, Vec<TableId>>) -> Vec<TableId> {
    let (mut order, mut seen) = (Vec::new(), BTreeSet::new());
    after.ids().for_each(|one| visit(one, after, &mut seen, &mut order));
    order
}

fn visit(one: TableId, after: &ById<TableId, Vec<TableId>>, seen: &mut BTreeSet<TableId>, order: &mut Vec<TableId>) {
    if seen.insert(one) {
        after[one].iter().for_each(|other| visit(*other, after, seen, order));
        order.push(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicate::ids::Id;

    #[test]
    fn an_order_changes_nothing_without_need_and_survives_a_circle() {
        let tables = |places: &[usize]| places.iter().map(|place| TableId::at(*place)).collect::<Vec<_>>();
        let order = |after: &[&[usize]]| {
            let order = ordered(&after.iter().map(|places| tables(places)).collect());
            order.into_iter().map(Id::place).collect::<Vec<_>>()
        };
        assert_eq!(order(&[&[], &[], &[]]), [0, 1, 2]);
        assert_eq!(order(&[&[2], &[], &[1], &[]]), [1, 2, 0, 3]);
        assert_eq!(order(&[&[0, 1], &[0]]), [1, 0]);
    }
}
