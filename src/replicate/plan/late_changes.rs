//! The receiver's own deltas. A master is written to by applications as well: what they changed
//! after the round's snapshot must not be overwritten unseen, so for keys that come *late* it is
//! decided on the spot who wins. (Left to the next round, rows that are changed all the time would
//! never be decided. Where neither shall win, the next round decides; the source notes the key once
//! more.) A late change that lost is no change any more: its line in the delta counts as brought by
//! the sync. And where other syncs take changes from the receiver, what is applied there is noted
//! for them (makedelta), with the name of the database where it was made: that one does not get it
//! back.

use super::{Plan, UNION_ALL, captured_columns, list_plain, matched, of};
use crate::pg::fill;
use crate::pg::ident::literal;
use crate::pg::{Ident, Relation};
use crate::replicate::capture::objects::Names;
use crate::replicate::plan::strategy::Strategy;
use crate::replicate::snapshot::{Snapshot, Span};

/// Where the receiver keeps its own deltas of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// The names of its capture objects.
    pub names: Names,
    /// Its key columns, in the order in which it captures them.
    pub keys: Vec<String>,
    /// What is applied is noted for others.
    pub makedelta: bool,
}

impl Feed {
    /// The columns of its deltas, in the order of `keys`.
    fn columns(&self, keys: &[String]) -> Vec<Ident> {
        captured_columns(&self.keys, keys)
    }

    /// What applications and other syncs changed here in a span.
    pub(super) fn changes(&self, columns: &[Ident], span: &Span, sync: &str) -> String {
        let of = |delta: Relation| {
            let columns = list_plain(columns);
            let strangers = format!("(origin is null or via <> {})", literal(sync));
            let each = move |condition: String| {
                format!("select {columns}, truncated, txid, txntime from {delta} where {condition} and {strangers}")
            };
            span.conditions().into_iter().map(each).collect::<Vec<_>>()
        };
        [of(self.names.delta(1)), of(self.names.delta(2))].concat().join(UNION_ALL)
    }
}

impl Plan {
    /// The receiver's own deltas, if they matter.
    pub fn feed(&self) -> Option<&Feed> {
        self.feed.as_ref()
    }

    /// Whether what is applied is noted for others.
    pub fn makes_delta(&self) -> bool {
        self.feed.as_ref().is_some_and(|feed| feed.makedelta)
    }

    pub(super) fn feed_columns(&self) -> Vec<Ident> {
        self.feed.as_ref().map(|feed| feed.columns(&self.key.columns)).unwrap_or_default()
    }

    fn fresh(&self, now: &Snapshot) -> String {
        let (columns, span) = (self.feed_columns(), Span::after(Some(now.clone())));
        self.feed.as_ref().map(|feed| feed.changes(&columns, &span, &self.route.sync)).unwrap_or_default()
    }

    pub(super) fn late(&self) -> Relation {
        self.temporary("late")
    }

    /// Makes the table of late keys: `here` is when the receiver's row changed, by `seen` changes,
    /// in the transactions `txids`; `kept` whether it stays, null if that is left to the next
    /// round. `theirs` and `ours` are the rows, for the record.
    pub fn create_late(&self) -> String {
        fill(
            include_str!("sql/create_late.sql"),
            &[("late", &self.late().name), ("keys", &list_plain(&self.stage_keys())), ("stage", &self.stage())],
        )
    }

    /// Removes it.
    pub fn drop_late(&self) -> String {
        format!("drop table if exists {}", self.late())
    }

    /// Holds the rows that are about to be written, so that nobody changes them meanwhile.
    pub fn hold(&self) -> String {
        fill(
            include_str!("sql/hold.sql"),
            &[("target", &self.target_from), ("stage", &self.stage()), ("same_key", &self.matched_target("t", "s"))],
        )
    }

    /// Whether the receiver's table was emptied after the snapshot: then nothing staged may be
    /// written.
    pub fn emptied_late(&self, now: &Snapshot) -> String {
        format!("select exists (select from ({}) as d where d.truncated)", self.fresh(now))
    }

    /// What came late, each key once.
    pub(super) fn late_changes(&self, now: &Snapshot) -> String {
        self.changes_here(&Span::after(Some(now.clone())))
    }

    /// What applications and other syncs changed here in a span, each key once.
    pub(super) fn changes_here(&self, span: &Span) -> String {
        let columns = self.feed_columns();
        let changes = self.feed.as_ref().map(|feed| feed.changes(&columns, span, &self.route.sync)).unwrap_or_default();
        fill(include_str!("sql/changes_here.sql"), &[("columns", &list_plain(&columns)), ("changes", &changes)])
    }

    /// Decides between staged rows and the receiver's own that came late, `own` being the
    /// receiver's number. What the receiver had got before loses: who wrote here since knew it.
    /// Rows that shall not be written leave the stage. Both are kept for a `detailed` record.
    /// Affects as many rows as there are late keys.
    pub fn judge_late(&self, now: &Snapshot, strategy: Strategy, own: i32, detailed: bool) -> String {
        let (keys, columns) = (self.stage_keys(), self.feed_columns());
        let kept = match strategy {
            Strategy::Listed(ranks) => ranks.before(&own.to_string(), "s.member"),
            Strategy::Latest | Strategy::LatestAllTables(_) => {
                format!("d.here > s.changed or (d.here = s.changed and {own} < s.member)")
            }
            Strategy::Source => format!("{own} < s.member"),
            Strategy::Target => format!("{own} > s.member"),
            Strategy::Random => "random() < 0.5".to_owned(),
            Strategy::Skip | Strategy::Abort => "null::boolean".to_owned(),
        };
        let (theirs, ours) = match detailed {
            true => (self.staged_row("s"), self.row_here("s")),
            false => ("null::jsonb".to_owned(), "null::jsonb".to_owned()),
        };
        fill(
            include_str!("sql/judge_late.sql"),
            &[
                ("keys_of_stage", &of("s", &keys)),
                ("kept", &kept),
                ("theirs", &theirs),
                ("ours", &ours),
                ("stage", &self.stage()),
                ("late_changes", &self.late_changes(now)),
                ("same_as_late", &matched("s", "d", &keys, &columns, &self.target_equals)),
                ("same_as_met", &matched("s", "m", &keys, &keys, &self.target_equals)),
                ("late", &self.late()),
                ("keys", &list_plain(&keys)),
            ],
        )
    }

    /// Whether a staged key has come late that was not judged, or once more after it was.
    pub fn unjudged_late(&self, now: &Snapshot) -> String {
        let (keys, columns) = (self.stage_keys(), self.feed_columns());
        let (losers, seen) = match self.has_unique_keys() {
            true => (format!("\n  {}", self.left_join_losers("s")), "greatest(l.seen, f.seen, 0)"),
            false => (String::new(), "coalesce(l.seen, 0)"),
        };
        fill(
            include_str!("sql/unjudged_late.sql"),
            &[
                ("stage", &self.stage()),
                ("late_changes", &self.late_changes(now)),
                ("same_as_late", &matched("s", "d", &keys, &columns, &self.target_equals)),
                ("late", &self.late()),
                ("same_as_judged", &matched("l", "s", &keys, &keys, &self.target_equals)),
                ("losers", &losers),
                ("seen", &seen),
            ],
        )
    }

    /// What came late and lost is no change any more, for this sync. Only the changes that were
    /// judged: the same key may have another one by now.
    pub fn settle_late(&self) -> Option<String> {
        let feed = self.feed.as_ref()?;
        let lost = matched("d", "l", &self.feed_columns(), &self.stage_keys(), &self.target_equals);
        let sync = literal(&self.route.sync);
        let each = |delta: Relation| {
            fill(
                include_str!("sql/settle_late.sql"),
                &[("delta", &delta), ("sync", &sync), ("late", &self.late()), ("same_key", &lost)],
            )
        };
        Some([each(feed.names.delta(1)), each(feed.names.delta(2))].join("; "))
    }

    /// How many late keys were judged, and how many are left to the next round.
    pub fn count_late(&self) -> String {
        format!("select count(*) filter (where kept is not null), count(*) filter (where kept is null) from {}", self.late())
    }

    /// The judged late keys as conflicts; see [`Plan::CONFLICT_COLUMNS`], with `details`.
    pub fn late_conflicts_query(&self, strategy: Strategy, members: &[String]) -> String {
        let names: Vec<String> = members.iter().map(|name| literal(name)).collect();
        let sender = format!("(array[{}]::text[])[member + 1]", names.join(", "));
        let here = literal(&self.route.to);
        fill(
            include_str!("sql/late_conflicts.sql"),
            &[("head", &self.conflict_head(strategy)), ("here", &here), ("sender", &sender), ("late", &self.late())],
        )
    }

    /// The late keys that came from this source and are left, as it shall note them once more.
    pub fn late_query(&self) -> String {
        let from = literal(&self.route.from);
        format!(
            "select {}, changed, nullif(origin, {from}), case when origin <> {from} then '' end from {} where kept is null and member = {}",
            list_plain(&self.stage_keys()),
            self.late(),
            self.route.member
        )
    }

    /// The COPY by which it does.
    pub fn fill_delta(&self) -> String {
        format!("{} ({}, txntime, origin, via)", self.names.delta(1), list_plain(&self.noted_keys))
    }

    /// Notes for others what was applied from the stage.
    pub fn note_applied(&self) -> Option<String> {
        self.note(&format!("select {}, changed, origin, {{}} from {}", list_plain(&self.stage_keys()), self.stage()))
    }

    /// Notes for others that the table was emptied and filled anew.
    pub fn note_whole(&self) -> Option<String> {
        let from = literal(&self.route.from);
        let rows = self.note(&format!("select {}, now(), {from}, {{}} from {}", list_plain(&self.keys()), self.target_from))?;
        let feed = self.feed.as_ref().filter(|feed| feed.makedelta)?;
        let (delta, sync) = (feed.names.delta(1), literal(&self.route.sync));
        Some(format!("insert into {delta} (truncated, origin, via) values (true, {from}, {sync}); {rows}"))
    }

    pub(super) fn note(&self, query: &str) -> Option<String> {
        let feed = self.feed.as_ref().filter(|feed| feed.makedelta)?;
        let query = query.replace("{}", &literal(&self.route.sync));
        Some(format!("insert into {} ({}, txntime, origin, via) {query}", feed.names.delta(1), list_plain(&self.feed_columns())))
    }
}
