//! Conflicts: keys that several masters changed. The candidates meet in temporary tables on one
//! master, the coordinator, where the winner of each key is chosen; each master that lost some gets
//! the list of them. Rows take no part in it.

use super::{Plan, UNION_ALL, list_plain, matched, of};
use crate::pg::Relation;
use crate::pg::fill;
use crate::pg::ident::literal;
use crate::replicate::plan::strategy::Strategy;
use crate::replicate::snapshot::Span;

impl Plan {
    fn candidates(&self) -> Relation {
        self.temporary("conflict_candidates")
    }

    pub(super) fn conflict_result(&self) -> Relation {
        self.temporary("conflict_result")
    }

    pub(super) fn lost(&self) -> Relation {
        self.temporary("lost")
    }

    pub(super) fn named_keys(&self) -> String {
        let named = self.keys().into_iter().zip(self.stage_keys());
        named.map(|(column, k)| format!("{column} as {k}")).collect::<Vec<_>>().join(", ")
    }

    /// Makes the tables on the receiver of this plan.
    pub fn create_candidates(&self) -> String {
        fill(
            include_str!("sql/create_candidates.sql"),
            &[
                ("candidates", &self.candidates().name),
                ("result", &self.conflict_result().name),
                ("named_keys", &self.named_keys()),
                ("target", &self.target_from),
            ],
        )
    }

    /// Removes them.
    pub fn drop_candidates(&self) -> String {
        format!("drop table if exists {}, {}", self.candidates(), self.conflict_result())
    }

    /// The COPY that fills the table of candidates.
    pub fn fill_candidates(&self) -> String {
        format!("{} ({}, member, missing_from, changed, noted)", self.candidates(), list_plain(&self.stage_keys()))
    }

    /// The candidates of the source: each key that some receiver lacks, with the set of those
    /// receivers as bits. `lanes` are the plans to each receiver with their spans and receivers'
    /// numbers. With `lost`, without the keys on that list.
    pub fn candidates_query(lanes: &[(&Plan, &Span, i32)], lost: bool) -> String {
        let Some((first, ..)) = lanes.first() else { return String::new() };
        let keys = list_plain(&first.stage_keys());
        let each = |(plan, span, to): &(&Plan, &Span, i32)| {
            let changed = plan.keys_to_ship(&span.lacking(), lost);
            format!("select {keys}, {}::bigint as missing_from, changed, noted from (\n  {changed}) as d", 1_i64 << to)
        };
        let all = lanes.iter().map(each).collect::<Vec<_>>().join(UNION_ALL);
        fill(include_str!("sql/candidates.sql"), &[("keys", &keys), ("member", &first.route.member), ("changed_of_each", &all)])
    }

    /// Chooses the winners. A change that another master has seen and answered is *dominated*. A
    /// key is in conflict when a change lost that is neither dominated nor merely the note of a row
    /// that gave way, or when each master has seen another's change.
    pub fn decide(&self, strategy: Strategy) -> String {
        let keys = list_plain(&self.stage_keys());
        let lost = if strategy == Strategy::Skip { "place > 1 or (contenders <> 1 and real)" } else { "place > 1" };
        fill(
            include_str!("sql/decide_conflicts.sql"),
            &[
                ("result", &self.conflict_result()),
                ("candidates", &self.candidates()),
                ("keys", &keys),
                ("order", &strategy.order()),
                ("lost", &lost),
            ],
        )
    }

    /// When one of the pending changes was made last, in microseconds.
    pub fn newest(&self, span: &Span) -> String {
        let all = self.pending(span, |delta, condition| format!("select max(txntime) from {delta} where {condition}"));
        format!("select (extract(epoch from max(max)) * 1000000)::bigint from ({}) as newest", all.join(" union all "))
    }

    /// The number of keys in conflict.
    pub fn count_conflicts(&self) -> String {
        fill(
            include_str!("sql/count_conflicts.sql"),
            &[("result", &self.conflict_result()), ("keys", &list_plain(&self.stage_keys()))],
        )
    }

    /// The conflicts, as rows of the control database's table `conflict`; see
    /// [`Plan::CONFLICT_COLUMNS`]. `members` are the masters' names; with `detailed`, column
    /// `details` follows.
    pub fn conflicts_query(&self, strategy: Strategy, members: &[String], detailed: bool) -> String {
        let names: Vec<String> = members.iter().map(|name| literal(name)).collect();
        let name = format!("(array[{}]::text[])[member + 1]", names.join(", "));
        let details = if detailed { format!(", {}", self.detail_of_conflict(members)) } else { String::new() };
        fill(
            include_str!("sql/conflicts.sql"),
            &[
                ("head", &self.conflict_head(strategy)),
                ("name", &name),
                ("details", &details),
                ("result", &self.conflict_result()),
                ("keys", &list_plain(&self.stage_keys())),
            ],
        )
    }

    /// What all records of conflicts begin with.
    pub(super) fn conflict_head(&self, strategy: Strategy) -> String {
        let texts: Vec<String> = self.stage_keys().iter().map(|k| format!("{k}::text")).collect();
        format!(
            "{}, {}, {}, concat_ws('|', {}), {}",
            literal(&self.route.sync),
            literal(self.source.schema.raw()),
            literal(self.source.name.raw()),
            texts.join(", "),
            literal(strategy.word()),
        )
    }

    /// The columns of table `conflict` in the order of [`Plan::conflicts_query`].
    pub const CONFLICT_COLUMNS: &str = "sync, schemaname, tablename, key, strategy, winner, changes";

    /// The keys that this plan's source has lost.
    pub fn lost_query(&self) -> String {
        format!(
            "select {} from {} as v where lost and member = {}",
            of("v", &self.stage_keys()),
            self.conflict_result(),
            self.route.member
        )
    }

    /// Makes the list of lost keys on the source.
    pub fn create_lost(&self) -> String {
        self.create_empty(&self.lost(), &self.named_keys(), &self.source_from)
    }

    /// Removes it.
    pub fn drop_lost(&self) -> String {
        format!("drop table if exists {}", self.lost())
    }

    /// The COPY that fills it.
    pub fn fill_lost(&self) -> String {
        format!("{} ({})", self.lost(), list_plain(&self.stage_keys()))
    }

    /// On the source: what lost is no change any more, for this sync. Other syncs still carry the
    /// key, as something that came from elsewhere.
    pub fn settle_lost(&self, span: &Span) -> String {
        let lost = matched("d", "l", &self.noted_keys, &self.stage_keys(), &self.key.equals);
        let each = |delta: &Relation, condition: &str| {
            fill(
                include_str!("sql/settle_lost.sql"),
                &[
                    ("delta", &delta),
                    ("sync", &literal(&self.route.sync)),
                    ("lost", &self.lost()),
                    ("pending", &condition),
                    ("same_key", &lost),
                ],
            )
        };
        self.pending(span, each).join("; ")
    }
}
