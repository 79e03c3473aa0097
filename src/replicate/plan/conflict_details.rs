//! The rows of a conflict as each master had them, for its record, where that is wanted (setting
//! `log_conflict_details`).

use super::{Plan, list_plain, matched, of};
use crate::pg::Relation;
use crate::pg::fill;
use crate::pg::ident::literal;

impl Plan {
    fn clash(&self) -> Relation {
        self.temporary("clash")
    }

    fn details(&self) -> Relation {
        self.temporary("details")
    }

    /// Makes the list of keys in conflict on the source.
    pub fn create_clash(&self) -> String {
        self.create_empty(&self.clash(), &self.named_keys(), &self.source_from)
    }

    /// Removes it.
    pub fn drop_clash(&self) -> String {
        format!("drop table if exists {}", self.clash())
    }

    /// The COPY that fills it.
    pub fn fill_clash(&self) -> String {
        format!("{} ({})", self.clash(), list_plain(&self.stage_keys()))
    }

    /// The keys in conflict, where they met.
    pub fn clash_query(&self) -> String {
        format!("select distinct {} from {} where conflict", list_plain(&self.stage_keys()), self.conflict_result())
    }

    /// The source's rows with these keys; null where there is none.
    pub fn details_query(&self) -> String {
        let keys = self.stage_keys();
        fill(
            include_str!("sql/rows_in_conflict.sql"),
            &[
                ("keys", &of("c", &keys)),
                ("member", &self.route.member),
                ("clash", &self.clash()),
                ("source", &self.source_from),
                ("same_key", &matched("t", "c", &self.keys(), &keys, &self.key.equals)),
            ],
        )
    }

    /// Makes the table of rows where keys meet.
    pub fn create_details(&self) -> String {
        let columns = format!("{}, 0 as member, '{{}}'::jsonb as details", self.named_keys());
        self.create_empty(&self.details(), &columns, &self.target_from)
    }

    /// Removes it.
    pub fn drop_details(&self) -> String {
        format!("drop table if exists {}", self.details())
    }

    /// The COPY that fills it.
    pub fn fill_details(&self) -> String {
        format!("{} ({}, member, details)", self.details(), list_plain(&self.stage_keys()))
    }

    /// The rows of all masters, to be added to [`Plan::conflicts_query`].
    pub fn detail_of_conflict(&self, members: &[String]) -> String {
        let keys = self.stage_keys();
        let names: Vec<String> = members.iter().map(|name| literal(name)).collect();
        format!(
            "(select jsonb_object_agg((array[{}]::text[])[d.member + 1], d.details) from {} as d where {})",
            names.join(", "),
            self.details(),
            matched("d", "v", &keys, &keys, &self.target_equals)
        )
    }
}
