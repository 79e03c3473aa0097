//! The receiver's side: the stage, and what is written from it.

use super::{Plan, Write, list_plain, matched};
use crate::pg::Ident;

impl Plan {
    /// Makes the stage, once per session. Its columns have the types of the target's columns, domains stripped.
    pub fn create_stage(&self) -> String {
        let keys: Vec<String> = self.keys().iter().zip(self.stage_keys()).map(|(column, k)| format!("{column} as {k}")).collect();
        let others = self.others.iter().zip(self.stage_others()).zip(&self.stage_types);
        let others: String = others.map(|((column, c), base)| format!(", {column}::{base} as {c}")).collect();
        let trace = if self.route.traced { ", now() as changed, ''::text as origin, 0 as member" } else { "" };
        format!(
            "create temporary table {} on commit delete rows as select {}, false as alive{others}{trace} from {} with no data",
            self.stage().name,
            keys.join(", "),
            self.target_from
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
            if self.route.traced { ", changed, origin, member" } else { "" }
        )
    }

    /// The COPY that fills the table itself, in the order of [`Plan::whole`].
    pub fn fill_target(&self) -> String {
        format!("{} ({})", self.target, list_plain(&[self.keys(), self.others.clone()].concat()))
    }

    /// Empties the target, for a TRUNCATE on the source. DELETE, not TRUNCATE: readers of the target are not made to wait.
    pub fn empty_target(&self) -> String {
        format!("delete from {}", self.target_from)
    }

    /// Applies the stage. Each of the two statements returns one row: (updated, deleted), then (written).
    pub fn apply(&self) -> String {
        format!("{}; {}", self.apply_deletes(), self.apply_writes())
    }

    fn apply_deletes(&self) -> String {
        let dead_only = if self.write == Write::Upsert { " and not s.alive" } else { "" };
        format!(
            "with gone as (delete from {} as t using {} as s where {}{dead_only} returning s.alive) \
             select count(*) filter (where alive), count(*) filter (where not alive) from gone",
            self.target_from,
            self.stage(),
            self.matched_target("t", "s")
        )
    }

    /// A row of the receiver's table and one of a table with staged keys are the same.
    pub(super) fn matched_target(&self, table: &str, staged: &str) -> String {
        matched(table, staged, &self.keys(), &self.stage_keys(), &self.target_equals)
    }

    pub(super) fn apply_writes(&self) -> String {
        let columns: Vec<Ident> = self.keys().into_iter().chain(self.others.iter().cloned()).collect();
        let values: Vec<Ident> = self.stage_keys().into_iter().chain(self.stage_others()).collect();
        let conflict = match self.write {
            Write::Replace => String::new(),
            Write::Upsert => self.on_conflict(),
        };
        // The system column xmax of a freshly inserted row is 0; that of a row which ON CONFLICT updated is not.
        // A partitioned table cannot show it; its rows count as inserted.
        let fresh =
            if self.write == Write::Upsert && !self.others.is_empty() && !self.partitioned { "w.xmax = 0" } else { "true" };
        format!(
            "with written as (insert into {} as w ({}) overriding system value select {} from {} as s where s.alive{conflict} \
             returning {fresh} as fresh) select count(*) filter (where fresh), count(*) filter (where not fresh) from written",
            self.target,
            list_plain(&columns),
            list_plain(&values),
            self.stage()
        )
    }

    fn on_conflict(&self) -> String {
        let keys = list_plain(&self.keys());
        if self.others.is_empty() {
            return format!(" on conflict ({keys}) do nothing");
        }
        let sets: Vec<String> = self.others.iter().map(|column| format!("{column} = excluded.{column}")).collect();
        format!(" on conflict ({keys}) do update set {}", sets.join(", "))
    }
}
