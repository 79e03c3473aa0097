//! The receiver's side: the stage, and what is written from it. How, is told in
//! [`super::write_mode`].

use super::{Plan, Write, list_plain, matched, of};
use crate::pg::fill;
use crate::pg::ident::literal;
use crate::pg::{Ident, Relation};
use crate::replicate::plan::copy_format::CopyFormat;

/// The statements that write the table run under its owner's search_path
/// ([`crate::replicate::catalog::owner_path`]): whatever is called in them has its schema.
pub(super) const COUNT: &str = "pg_catalog.count(*)";

/// Whether a name leads to the table with this id, whose columns have these types. A row type is
/// looked up as it is at this moment, whatever the transaction's snapshot.
fn is_as_planned(table: &Relation, oid: u32, columns: &[(Ident, u32)]) -> String {
    let same = columns.iter().map(|(column, oid)| format!("\n  and pg_catalog.pg_typeof((null::{table}).{column})::oid = {oid}"));
    format!("pg_catalog.to_regclass({})::oid = {oid}{}", literal(&table.to_string()), same.collect::<String>())
}

impl Plan {
    /// Makes the stage, once per session. Its columns have the types of the target's columns
    /// without modifiers, domains stripped but for the keys, which are compared: what is rounded or
    /// refused is for the table to decide. COALESCE takes the modifier from a column and leaves it
    /// its collation.
    pub fn create_stage(&self) -> String {
        let bare = |column: &dyn std::fmt::Display, kind: &str| format!("coalesce({column}, null::{kind})");
        let staged = self.keys().into_iter().zip(&self.key_types).zip(self.stage_keys());
        let keys: Vec<String> = staged.map(|((column, kind), k)| format!("{} as {k}", bare(&column, kind))).collect();
        let plain = self.others.iter().zip(&self.stage_types).map(|(column, base)| bare(&format!("{column}::{base}"), base));
        let values = plain.take(self.unpacked()).chain(["null::text[]".to_owned()]);
        let others: String = values.zip(self.stage_others()).map(|(value, c)| format!(", {value} as {c}")).collect();
        let trace = if self.route.traced { ", now() as changed, ''::text as origin, 0 as member, false as again" } else { "" };
        fill(
            include_str!("sql/create_stage.sql"),
            &[
                ("stage", &self.stage().name),
                ("keys", &keys.join(", ")),
                ("others", &others),
                ("trace", &trace),
                ("target", &self.target_from),
            ],
        )
    }

    /// Removes the stage.
    pub fn drop_stage(&self) -> String {
        format!("drop table if exists {}", self.stage())
    }

    /// The COPY that fills the stage.
    pub fn fill_stage(&self) -> String {
        format!(
            "{} ({}, alive{}{})",
            self.stage(),
            list_plain(&self.stage_keys()),
            self.stage_others().iter().map(|c| format!(", {c}")).collect::<String>(),
            if self.route.traced { ", changed, origin, member, again" } else { "" }
        )
    }

    /// Takes the lock on the target that writing needs or, to write `over` all that is there, one
    /// for which other writers wait. With its `parts`, if it is partitioned.
    pub fn lock_target(&self, parts: bool, over: bool) -> String {
        let table = if parts { self.target_from.clone() } else { format!("only {}", self.target) };
        format!("lock table {table} in {} mode", if over { "share row exclusive" } else { "row exclusive" })
    }

    /// Takes the lock on the target that leaves room for nobody else, or fails at once.
    pub fn hold_alone(&self) -> String {
        format!("lock table {} in access exclusive mode nowait", self.target_from)
    }

    /// Takes the lock on the source that reading needs. With its `parts`, if it is partitioned.
    pub fn lock_source(&self, parts: bool) -> String {
        let table = if parts && !self.selected { self.source_from.clone() } else { format!("only {}", self.source) };
        format!("lock table {table} in access share mode")
    }

    /// Takes that lock, and asks whether the name leads to the table that was planned, whose
    /// columns have the types that they had; the same of the other tables that a selection reads.
    pub fn hold_source(&self, parts: bool) -> String {
        let lockable = self.further.iter().filter(|further| further.lockable);
        let locks: String = lockable.map(|one| format!(";\nlock table only {} in access share mode", one.relation)).collect();
        let further = self.further.iter().map(|one| format!("\n  and {}", is_as_planned(&one.relation, one.oid, &one.columns)));
        format!(
            "{}{locks};\nselect {}{}",
            self.lock_source(parts),
            is_as_planned(&self.source, self.oid, &self.typed),
            further.collect::<String>()
        )
    }

    /// The COPY that writes the table as a whole, in the order of [`Plan::draw`].
    pub fn copy_in_sql(&self, form: &CopyFormat) -> String {
        format!("copy {} ({}) from stdin {}", self.target, list_plain(&self.filled()), form.options(&self.copying.extra))
    }

    /// A query of the columns that it writes.
    pub fn filled_columns(&self) -> String {
        format!("select {} from {}", list_plain(&self.filled()), self.target)
    }

    /// The columns that are filled: all but those that the target computes.
    pub(super) fn filled(&self) -> Vec<Ident> {
        let keys = self.keys().into_iter().filter(|column| !self.computed.contains(column));
        keys.chain(self.others.iter().cloned()).collect()
    }

    /// Empties the target. DELETE, not TRUNCATE: readers of the target are not made to wait.
    pub fn empty_target(&self) -> String {
        format!("delete from {}", self.target_from)
    }

    /// Whether the target has no rows.
    pub fn target_is_empty(&self) -> String {
        format!("select not exists (select from {})", self.target_from)
    }

    /// Empties the target by TRUNCATE, for a copy of the whole.
    pub fn truncate_target(&self) -> String {
        format!("truncate {}{}", self.target_from, if self.copying.cascade { " cascade" } else { "" })
    }

    /// About how many rows that removes.
    pub fn count_target(&self) -> String {
        let table = literal(&self.target.to_string());
        format!("select greatest(reltuples, 0)::bigint from pg_class where oid = {table}::regclass")
    }

    /// The statement that builds the target's indexes anew after a copy, if that is wanted.
    pub fn reindex(&self) -> Option<String> {
        self.copying.reindex.then(|| format!("reindex table {}", self.target))
    }

    /// The one that renews its statistics.
    pub fn analyze(&self) -> Option<String> {
        self.copying.analyze.then(|| format!("analyze {}", self.target))
    }

    /// Applies the stage. Each of the two statements returns one row: (updated, deleted), then
    /// (written).
    pub fn apply(&self) -> [String; 2] {
        [self.apply_deletes(), self.apply_writes()]
    }

    fn apply_deletes(&self) -> String {
        let which = match self.write {
            Write::Replace => String::new(),
            Write::InPlace => "\n    and not s.alive".to_owned(),
            Write::Upsert if self.exact => "\n    and not s.alive".to_owned(),
            Write::Upsert => format!("\n    and (not s.alive or {})", self.written_otherwise()),
        };
        let (returned, kept) = self.keep();
        fill(
            include_str!("sql/apply_deletes.sql"),
            &[
                ("target", &self.target_from),
                ("stage", &self.stage()),
                ("same_key", &self.matched_target("t", "s")),
                ("which", &which),
                ("returned", &returned),
                ("kept", &kept),
                ("count", &COUNT),
            ],
        )
    }

    /// Whether the key of a row of the target is equal to that of the stage and yet another, which
    /// ON CONFLICT would leave as it is.
    fn written_otherwise(&self) -> String {
        let record = |row: &str, columns: &[Ident]| format!("row({})::record", of(row, columns));
        format!("{} operator(pg_catalog.*<>) {}", record("t", &self.keys()), record("s", &self.stage_keys()))
    }

    /// The other columns' values, taken from the stage.
    pub(super) fn received_others(&self) -> Vec<String> {
        let (_, packed) = self.stage_types.split_at(self.unpacked());
        let plain = (1..=self.unpacked()).map(|position| Ident::new(format!("c{position}")).to_string());
        let packed = packed.iter().enumerate().map(|(n, base)| format!("packed[{}]::{base}", n + 1));
        plain.chain(packed).collect()
    }

    /// A row of the receiver's table and one of a table with staged keys are the same.
    pub(super) fn matched_target(&self, table: &str, staged: &str) -> String {
        matched(table, staged, &self.keys(), &self.stage_keys(), &self.target_equals)
    }

    pub(super) fn apply_writes(&self) -> String {
        let keys = self.keys().into_iter().zip(self.stage_keys()).filter(|(column, _)| !self.computed.contains(column));
        let values: Vec<String> = keys.map(|(_, k)| k.to_string()).chain(self.received_others()).collect();
        let values = values.join(", ");
        if self.keeps() {
            return self.write_with_kept(&values);
        }
        let conflict = if self.write == Write::Replace { String::new() } else { self.on_conflict() };
        // The system column xmax of a freshly inserted row is 0; that of a row which ON CONFLICT
        // updated is not. A partitioned table cannot show it; its rows count as inserted.
        let updates = self.write != Write::Replace && !self.set_on_conflict().is_empty();
        let fresh = if updates && !self.partitioned { "w.xmax operator(pg_catalog.=) 0" } else { "true" };
        fill(
            include_str!("sql/apply_writes.sql"),
            &[
                ("target", &self.target),
                ("filled", &list_plain(&self.filled())),
                ("values", &values),
                ("stage", &self.stage()),
                ("order", &self.free_first()),
                ("on_conflict", &conflict),
                ("fresh", &fresh),
                ("count", &COUNT),
            ],
        )
    }

    fn on_conflict(&self) -> String {
        let sets: Vec<String> = self.set_on_conflict().iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let what = if sets.is_empty() { "nothing".to_owned() } else { format!("update set {}", sets.join(", ")) };
        format!("\n  on conflict ({}) do {what}", list_plain(&self.keys()))
    }

    /// The key only where one that is equal may be written in another way, and the row with the
    /// other one was not deleted.
    fn set_on_conflict(&self) -> Vec<&Ident> {
        let keys = if self.writes_in_place() && !self.exact { self.settable.as_slice() } else { &[] };
        keys.iter().chain(&self.others).collect()
    }
}
