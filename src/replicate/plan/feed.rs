//! The receiver's own deltas. A master is written to by applications as well: what they changed after the round's snapshot must not
//! be overwritten unseen, so keys that come *late* are left to the next round, and the source notes them once more. And where other
//! syncs take changes from the receiver, what is applied there is noted for them (makedelta), with the name of the database where it
//! was made: that one does not get it back.

use super::{Plan, list_plain, matched, of};
use crate::pg::ident::literal;
use crate::pg::{Ident, Relation};
use crate::replicate::capture::Names;
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
        let place = |key: &String| self.keys.iter().position(|other| other == key).unwrap_or_default() + 1;
        keys.iter().map(|key| Ident::new(format!("k{}", place(key)))).collect()
    }

    /// What applications and other syncs changed here after a snapshot.
    fn after(&self, columns: &[Ident], now: &Snapshot, sync: &str) -> String {
        let span = Span { after: Some(now.clone()), cut: None };
        let of = |delta: Relation| {
            let columns = list_plain(columns);
            let strangers = format!("(origin is null or via <> {})", literal(sync));
            let each =
                move |condition: String| format!("select {columns}, truncated from {delta} where {condition} and {strangers}");
            span.conditions().into_iter().map(each).collect::<Vec<_>>()
        };
        [of(self.names.delta(1)), of(self.names.delta(2))].concat().join(" union all ")
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

    fn feed_columns(&self) -> Vec<Ident> {
        self.feed.as_ref().map(|feed| feed.columns(&self.key.columns)).unwrap_or_default()
    }

    fn fresh(&self, now: &Snapshot) -> String {
        let columns = self.feed_columns();
        self.feed.as_ref().map(|feed| feed.after(&columns, now, &self.route.sync)).unwrap_or_default()
    }

    /// Where late keys are put.
    pub fn late(&self) -> Relation {
        self.temporary("late")
    }

    /// Makes that.
    pub fn create_late(&self) -> String {
        format!(
            "create temporary table {} on commit delete rows as select {}, changed, origin, member from {} with no data",
            self.late().name,
            list_plain(&self.stage_keys()),
            self.stage()
        )
    }

    /// Holds the rows that are about to be written, so that nobody changes them meanwhile.
    pub fn hold(&self) -> String {
        format!(
            "select count(*) from (select 1 from {} as t join {} as s on {} for update of t) as held",
            self.target_from,
            self.stage(),
            self.matched_target("t", "s")
        )
    }

    /// Whether the receiver's table was emptied after the snapshot: then nothing staged may be written.
    pub fn emptied_late(&self, now: &Snapshot) -> String {
        format!("select exists (select from ({}) as d where d.truncated)", self.fresh(now))
    }

    /// Takes late keys out of the stage; affects as many rows as there are.
    pub fn put_late_aside(&self, now: &Snapshot) -> String {
        let (keys, columns) = (self.stage_keys(), self.feed_columns());
        format!(
            "with late as (delete from {} as s using (select distinct {} from ({}) as p where truncated is null) as d where {} \
             returning {}, s.changed, s.origin, s.member) insert into {} select * from late",
            self.stage(),
            list_plain(&columns),
            self.fresh(now),
            matched("s", "d", &keys, &columns, &self.target_equals),
            of("s", &keys),
            self.late()
        )
    }

    /// Whether a staged key is late.
    pub fn any_late(&self, now: &Snapshot) -> String {
        let (keys, columns) = (self.stage_keys(), self.feed_columns());
        format!(
            "select exists (select from {} as s join ({}) as d on {})",
            self.stage(),
            self.fresh(now),
            matched("s", "d", &keys, &columns, &self.target_equals)
        )
    }

    /// The late keys that came from this source, as it shall note them once more.
    pub fn late_query(&self) -> String {
        let from = literal(&self.route.from);
        format!(
            "select {}, changed, nullif(origin, {from}), case when origin <> {from} then '' end from {} where member = {}",
            list_plain(&self.stage_keys()),
            self.late(),
            self.route.member
        )
    }

    /// The COPY by which it does.
    pub fn fill_delta(&self) -> String {
        format!("{} ({}, txntime, origin, via)", self.names.delta(1), list_plain(&self.stage_keys()))
    }

    /// Notes for others what was applied from the stage.
    pub fn note_applied(&self) -> Option<String> {
        self.note(&format!("select {}, changed, origin, {{}} from {}", list_plain(&self.stage_keys()), self.stage()))
    }

    /// Notes for others that the table was emptied and filled anew.
    pub fn note_whole(&self) -> Option<String> {
        let from = literal(&self.route.from);
        let rows = self.note(&format!("select {}, now(), {from}, {{}} from {}", list_plain(&self.keys()), self.target_from))?;
        Some(format!("{}; {rows}", self.note_emptied()?))
    }

    /// Notes for others that the table was emptied.
    pub fn note_emptied(&self) -> Option<String> {
        let feed = self.feed.as_ref().filter(|feed| feed.makedelta)?;
        let (from, sync) = (literal(&self.route.from), literal(&self.route.sync));
        Some(format!("insert into {} (truncated, origin, via) values (true, {from}, {sync})", feed.names.delta(1)))
    }

    fn note(&self, query: &str) -> Option<String> {
        let feed = self.feed.as_ref().filter(|feed| feed.makedelta)?;
        let query = query.replace("{}", &literal(&self.route.sync));
        Some(format!("insert into {} ({}, txntime, origin, via) {query}", feed.names.delta(1), list_plain(&self.feed_columns())))
    }

    /// Empties the receiver for a TRUNCATE on the source, but for the rows that applications changed here and the source does not
    /// know yet. `unknown` is the span of the receiver's changes that the source lacks, without an end.
    pub fn empty_but_unknown(&self, unknown: &Span) -> String {
        let Some(feed) = &self.feed else { return self.empty_target() };
        let after = unknown.after.clone().unwrap_or(Snapshot { xmin: 0, xmax: 0, running: Vec::new() });
        let columns = self.feed_columns();
        format!(
            "{} as t where not exists (select from ({}) as d where {})",
            self.empty_target(),
            feed.after(&columns, &after, &self.route.sync),
            matched("t", "d", &self.keys(), &columns, &self.target_equals)
        )
    }
}
