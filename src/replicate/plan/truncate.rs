//! TRUNCATE on a source: a change of every key that the source knew. Among masters, what it did not
//! know stays. What that was is not recorded, so it is derived. Keys that a master changed and the
//! truncating one lacks are on their way to everybody in this round: they are staged, or pending on
//! the receiver itself. And rows that the truncating master has now came after its TRUNCATE: their
//! keys are *preserved*. All other rows are deleted.
//!
//! After a round that died between two commits, a change may be on its way to some once more that
//! the truncating master had got before it emptied its table: that change counts no more
//! ([`Plan::known_keys`]).

use super::{Plan, list_plain, matched, of};
use crate::pg::Relation;
use crate::pg::fill;
use crate::pg::ident::literal;
use crate::replicate::snapshot::Span;

impl Plan {
    fn preserved(&self) -> Relation {
        self.temporary("preserved")
    }

    /// Keys that the source is asked about.
    fn asked(&self) -> Relation {
        self.temporary("asked")
    }

    /// Makes the table of preserved keys.
    pub fn create_preserved(&self) -> String {
        self.create_empty(&self.preserved(), &self.named_keys(), &self.target_from)
    }

    /// Removes it.
    pub fn drop_preserved(&self) -> String {
        format!("drop table if exists {}", self.preserved())
    }

    /// Forgets the keys that were preserved for another source.
    pub fn clear_preserved(&self) -> String {
        format!("delete from {}", self.preserved())
    }

    /// The COPY that fills it.
    pub fn fill_preserved(&self) -> String {
        format!("{} ({})", self.preserved(), list_plain(&self.stage_keys()))
    }

    /// The keys that the source has.
    pub fn present_keys(&self) -> String {
        format!("select {} from {} as t", of("t", &self.keys()), self.source_from)
    }

    /// Of the changes that the source sends, those that the receiver has already.
    pub fn known_keys(&self, span: &Span) -> String {
        format!("select {} from ({}) as d where d.again", of("d", &self.stage_keys()), self.changed_keys(span))
    }

    /// Makes the list of keys on the source that it is asked about.
    pub fn create_asked(&self) -> String {
        self.create_empty(&self.asked(), &self.named_keys(), &self.source_from)
    }

    /// Removes it.
    pub fn drop_asked(&self) -> String {
        format!("drop table if exists {}", self.asked())
    }

    /// The COPY that fills it.
    pub fn fill_asked(&self) -> String {
        format!("{} ({})", self.asked(), list_plain(&self.stage_keys()))
    }

    /// Forgets what it was asked before.
    pub fn clear_asked(&self) -> String {
        format!("delete from {}", self.asked())
    }

    /// The keys on the list that the source has no row of.
    pub fn absent_keys(&self) -> String {
        fill(
            include_str!("sql/absent_keys.sql"),
            &[
                ("keys", &of("a", &self.stage_keys())),
                ("asked", &self.asked()),
                ("source", &self.source_from),
                ("same_key", &matched("t", "a", &self.keys(), &self.stage_keys(), &self.key.equals)),
            ],
        )
    }

    /// The same, as dead rows for the stage of the master that sent them: see [`Plan::fill_dead`].
    pub fn absent_rows(&self) -> String {
        let from = literal(&self.route.from);
        format!("select d.*, false, now(), {from}, {}, true from ({}) as d", self.route.member, self.absent_keys())
    }

    /// The COPY that brings rows to the stage that are dead, whatever comes late.
    pub fn fill_dead(&self) -> String {
        format!("{} ({}, alive, changed, origin, member, again)", self.stage(), list_plain(&self.stage_keys()))
    }

    /// Empties the receiver. With `own`, the span of its own changes that the round takes, the rows
    /// of these stay, and those that are staged or preserved. What is removed is noted row by row
    /// for others, who may have got other rows by now.
    pub fn empty(&self, own: Option<&Span>) -> String {
        let delete = format!("delete from {}", self.emptied(own));
        let removed = self.keys().iter().zip(self.stage_keys()).map(|(column, k)| format!("{column} as {k}")).collect::<Vec<_>>();
        let note = self.note(&format!(
            "select {}, now(), {}, {{}} from gone",
            list_plain(&self.stage_keys()),
            literal(&self.route.from)
        ));
        note.map_or(delete.clone(), |note| format!("with gone as ({delete} returning {}) {note}", removed.join(", ")))
    }

    /// Holds what [`Plan::empty`] is about to remove, so that its snapshot is taken after everybody
    /// who was changing one of these rows has committed. A DELETE that waits for somebody itself
    /// goes by what it saw before, and would remove what it has to leave.
    pub fn hold_emptied(&self, own: &Span) -> String {
        format!("select count(*) from (select 1 from {} for update of t) as held", self.emptied(Some(own)))
    }

    /// The rows that go.
    fn emptied(&self, own: Option<&Span>) -> String {
        let (Some(own), Some(feed)) = (own, self.feed()) else { return format!("{} as t", self.target_from) };
        let columns = self.feed_columns();
        fill(
            include_str!("sql/emptied.sql"),
            &[
                ("target", &self.target_from),
                ("own_changes", &feed.changes(&columns, own, &self.route.sync)),
                ("same_as_change", &matched("t", "d", &self.keys(), &columns, &self.target_equals)),
                ("preserved", &self.preserved()),
                ("same_as_preserved", &self.matched_target("t", "p")),
                ("stage", &self.stage()),
                ("same_as_staged", &self.matched_target("t", "s")),
            ],
        )
    }
}
