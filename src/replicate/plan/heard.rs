//! Who knows what, among masters. A round that died when some had committed leaves those ahead: they know changes that others still lack.
//! So of two rows that claim the same, one that the other's master knew has lost already, in that round. And of a row that came here
//! in it, and that somebody lacks, its master says when it changed. Normally all lack the same, and nobody has anything to tell.

use super::claims::both_claim;
use super::{Plan, list_plain, matched, of};
use crate::pg::Relation;
use crate::replicate::resolve::Strategy;
use crate::replicate::shape::Unique;
use crate::replicate::snapshot::{Snapshot, Span};
use std::collections::BTreeMap;

/// What of a receiver's rows the senders of a stage know.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The receiver's number among the members.
    pub own: i32,
    /// For each other master, the span of the receiver's changes that it lacks.
    pub unknown: &'a [(i32, Span)],
    /// Whether others told what they know of one another's changes.
    pub heard: bool,
}

impl Plan {
    fn heard(&self) -> Relation {
        self.temporary("heard")
    }

    /// Makes the table of what is told at the receiver: a change of a `member`, and whether it is `known` to another, `by`, while it is pending here;
    /// or else unknown to that one, while it is here already.
    pub fn create_heard(&self) -> String {
        format!(
            "create temporary table {} on commit delete rows as select {}, now() as changed, 0 as member, 0 as by, false as known \
             from {} with no data",
            self.heard().name,
            self.named_keys(),
            self.target_from
        )
    }

    /// Removes it.
    pub fn drop_heard(&self) -> String {
        format!("drop table if exists {}", self.heard())
    }

    /// The COPY that fills it.
    pub fn fill_heard(&self) -> String {
        format!("{} ({}, changed, member, by, known)", self.heard(), list_plain(&self.stage_keys()))
    }

    /// What the source tells: its changes that are pending either to this plan's receiver or to another, `by`, of which `others` is the plan.
    pub fn tell(&self, span: &Span, others: &Plan, their_span: &Span, by: i32) -> String {
        let keys = list_plain(&self.stage_keys());
        let (here, there) = (self.changed_keys(span), others.changed_keys(their_span));
        format!(
            "select {keys}, max(changed), {}, {by}, bool_or(here) from (select {keys}, changed, true as here from ({here}) as d \
             union all select {keys}, changed, false from ({there}) as d) as d group by {keys} having bool_and(here) or not bool_or(here)",
            self.route.member
        )
    }

    /// Staged rows that have lost already, against one whose master knew them, become dead.
    pub fn bury_dominated(&self) -> String {
        let keys = self.stage_keys();
        let same = |one: &str, other: &str| matched(one, other, &keys, &keys, &self.target_equals);
        let knew = |one: &str, other: &str| {
            let heard = self.heard();
            format!(
                "exists (select from {heard} as h where h.known and h.by = {one}.member and h.member = {other}.member and {})",
                same("h", other)
            )
        };
        let pairs = |unique: &&Unique| {
            let claims = self.staged_claims(unique);
            let both = both_claim(unique, "s", "o");
            format!(
                "select {} from {claims} as s join {claims} as o on {both} where s.member <> o.member and {} and not {}",
                of("s", &keys),
                knew("o", "s"),
                knew("s", "o")
            )
        };
        let all = self.claims().iter().map(pairs).collect::<Vec<_>>().join(" union all ");
        format!("update {} as s set alive = false from ({all}) as d where {}", self.stage(), same("s", "d"))
    }

    /// The receiver's rows that masters lack, each with the time and the `member` of its change and the masters, `by`, that lack it.
    pub(super) fn unknown_rows(&self, known: Known, strategy: Strategy) -> String {
        let keys = list_plain(&self.stage_keys());
        let mut lacking: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        for (master, span) in known.unknown {
            // Each apart where others tell of single masters, too.
            let group = if known.heard { master.to_string() } else { format!("{:?}", span.after) };
            lacking.entry(group).or_default().push(*master);
        }
        let own = lacking.values().map(|masters| self.own_unknown(known, masters)).collect::<Vec<_>>().join(" union all ");
        if !known.heard {
            return own;
        }
        format!(
            "select distinct on ({keys}, by) * from ({own} union all select {keys}, changed, member, array[by] from {} where not known) as d \
             order by {keys}, by, member <> {}, {}",
            self.heard(),
            known.own,
            strategy.order()
        )
    }

    fn own_unknown(&self, known: Known, masters: &[i32]) -> String {
        let span = known.unknown.iter().find(|(master, _)| masters.contains(master)).map(|(_, span)| span);
        let after = span.and_then(|span| span.after.clone()).unwrap_or(Snapshot { xmin: 0, xmax: 0, running: Vec::new() });
        let named = self.feed_columns().into_iter().zip(self.stage_keys());
        let named = named.map(|(column, key)| format!("d.{column} as {key}")).collect::<Vec<_>>().join(", ");
        format!(
            "select {named}, here as changed, {} as member, array{masters:?} as by from ({}) as d",
            known.own,
            self.late_changes(&after)
        )
    }
}
