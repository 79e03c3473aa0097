//! Emptying the receiver for a TRUNCATE on the source. Among masters, what the truncating one did not know when it did so stays. Nobody has
//! written down what that was, so it is found by what is so now: what it lacks it did not know, and what it has it got later. The keys
//! of both are *spared*.

use super::{Plan, list_plain, matched, of};
use crate::pg::Relation;
use crate::pg::ident::literal;
use crate::replicate::snapshot::{Snapshot, Span};

impl Plan {
    fn spared(&self) -> Relation {
        self.temporary("spared")
    }

    /// Makes the table of spared keys.
    pub fn create_spared(&self) -> String {
        let keys = self.keys().into_iter().zip(self.stage_keys()).map(|(column, k)| format!("{column} as {k}"));
        format!(
            "create temporary table {} on commit delete rows as select {} from {} with no data",
            self.spared().name,
            keys.collect::<Vec<_>>().join(", "),
            self.target_from
        )
    }

    /// Removes it.
    pub fn drop_spared(&self) -> String {
        format!("drop table if exists {}", self.spared())
    }

    /// Forgets the keys that were spared for another source.
    pub fn clear_spared(&self) -> String {
        format!("delete from {}", self.spared())
    }

    /// The COPY that fills it.
    pub fn fill_spared(&self) -> String {
        format!("{} ({})", self.spared(), list_plain(&self.stage_keys()))
    }

    /// The keys that the source has.
    pub fn present_keys(&self) -> String {
        format!("select {} from {} as t", of("t", &self.keys()), self.source_from)
    }

    /// The keys that are pending on this lane.
    pub fn pending_keys(&self, span: &Span) -> String {
        format!("select {} from ({}) as d", of("d", &self.stage_keys()), self.changed_keys(span))
    }

    /// Empties the receiver. With `unknown`, the span of its own changes that the source lacks, those rows stay, and the spared ones. What is
    /// removed is noted row by row for others, who may have got other rows by now.
    pub fn empty(&self, unknown: Option<&Span>) -> String {
        let delete = format!("delete from {}", self.emptied(unknown));
        let removed = self.keys().iter().zip(self.stage_keys()).map(|(column, k)| format!("{column} as {k}")).collect::<Vec<_>>();
        let note = self.note(&format!(
            "select {}, now(), {}, {{}} from gone",
            list_plain(&self.stage_keys()),
            literal(&self.route.from)
        ));
        note.map_or(delete.clone(), |note| format!("with gone as ({delete} returning {}) {note}", removed.join(", ")))
    }

    /// Holds what [`Plan::empty`] is about to remove, so that its snapshot is taken after everybody who was changing one of these rows has
    /// committed. A DELETE that waits for somebody itself goes by what it saw before, and would remove what it has to leave.
    pub fn hold_emptied(&self, unknown: &Span) -> String {
        format!("select count(*) from (select 1 from {} for update of t) as held", self.emptied(Some(unknown)))
    }

    /// What other masters send was emptied, too, if the truncating one had got it before.
    pub fn empty_staged(&self) -> String {
        let keys = self.stage_keys();
        format!(
            "update {} as s set alive = false where alive and member <> {} and not exists (select from {} as k where {})",
            self.stage(),
            self.route.member,
            self.spared(),
            matched("k", "s", &keys, &keys, &self.target_equals)
        )
    }

    /// The rows that go.
    fn emptied(&self, unknown: Option<&Span>) -> String {
        let (Some(unknown), Some(feed)) = (unknown, self.feed()) else { return format!("{} as t", self.target_from) };
        let after = unknown.after.clone().unwrap_or(Snapshot { xmin: 0, xmax: 0, running: Vec::new() });
        let columns = self.feed_columns();
        format!(
            "{} as t where not exists (select from ({}) as d where {}) and not exists (select from {} as s where {})",
            self.target_from,
            feed.after(&columns, &after, &self.route.sync),
            matched("t", "d", &self.keys(), &columns, &self.target_equals),
            self.spared(),
            self.matched_target("t", "s")
        )
    }
}
