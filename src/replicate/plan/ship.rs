//! The source's side: what is pending, and the query whose rows are shipped.

use super::{Plan, UNION_ALL, list_plain, matched};
use crate::pg::fill;
use crate::pg::ident::literal;
use crate::pg::{Ident, Relation};
use crate::replicate::plan::copy_format::CopyFormat;
use crate::replicate::snapshot::Span;

/// A value as its type prints it. A cast to text could be a function of the table's owner. IS
/// DISTINCT FROM tells NULL from a row of NULLs.
fn text_of(column: &Ident) -> String {
    format!("case when t.{column} is distinct from null then pg_catalog.format('%s', t.{column}) end")
}

impl Plan {
    /// An expression that is true when a change of this table is pending; parameters: $1 = the
    /// receipt's `xmax` (bigint), $2 = its running transactions (bigint[]). `max` reads one end of
    /// the index whatever the planner believes about the table.
    pub fn changed_expression(&self) -> String {
        if !self.captured {
            return "false".to_owned();
        }
        let one = |generation: i64| {
            let delta = self.names.delta(generation);
            format!(
                "coalesce((select max(txid) from {delta}) >= $1, false) or exists (select from {delta} where txid = any ($2))"
            )
        };
        format!("({} or {})", one(1), one(2))
    }

    /// A query over the first pending changes: their number, lowest and highest transaction id; and
    /// whether a TRUNCATE is pending anywhere. Parameters: $1 and $2 as in
    /// [`Plan::changed_expression`], $3 = how many at most.
    pub fn measure(&self) -> String {
        let since = ["txid >= $1".to_owned(), "txid = any ($2)".to_owned()];
        let pending = self.pending_under(&since, |delta, condition| format!("select txid from {delta} where {condition}"));
        let truncated = self
            .pending_under(&since, |delta, condition| format!("exists (select from {delta} where truncated and {condition})"));
        fill(
            include_str!("sql/measure.sql"),
            &[("truncated", &truncated.join(" or ")), ("pending", &pending.join(" union all "))],
        )
    }

    /// The table that holds how long changes took, and the columns of [`Plan::rates`].
    pub const RATES: &str = "bucardo.bucardo_rate (sync, goat, target, mastercommit, total)";

    /// For each transaction with pending changes, when it made them and how many.
    pub fn rates(&self, span: &Span) -> String {
        let pending = self.pending(span, |delta, condition| format!("select txntime from {delta} where {condition}"));
        fill(
            include_str!("sql/rates.sql"),
            &[
                ("sync", &literal(&self.route.sync)),
                ("goat", &self.goat),
                ("to", &literal(&self.route.to)),
                ("pending", &pending.join(UNION_ALL)),
            ],
        )
    }

    /// A text for each place where pending changes are: each generation, under each of the span's
    /// conditions.
    pub(super) fn pending(&self, span: &Span, text: impl Fn(&Relation, &str) -> String) -> Vec<String> {
        self.pending_under(&span.conditions(), text)
    }

    fn pending_under(&self, conditions: &[String], text: impl Fn(&Relation, &str) -> String) -> Vec<String> {
        let meant = self.meant();
        let conditions: Vec<String> = conditions.iter().map(|condition| format!("{condition}{meant}")).collect();
        let of = |generation: i64| {
            let delta = self.names.delta(generation);
            conditions.iter().map(|condition| text(&delta, condition)).collect::<Vec<_>>()
        };
        [of(1), of(2)].concat()
    }

    /// Without the changes that came from the receiver itself and, among masters, those that the
    /// sync brought: every master has them.
    fn meant(&self) -> String {
        let route = &self.route;
        let brought = if route.masters { format!(" and via <> {}", literal(&route.sync)) } else { String::new() };
        format!(" and (origin is null or (origin <> {}{brought}))", literal(&route.to))
    }

    /// The query that the source's COPY sends: one row for each changed key. With `lost`, without
    /// those that lost against another master's.
    pub fn ship(&self, span: &Span, lost: bool) -> String {
        let named: Vec<String> =
            self.keys().iter().zip(self.stage_keys()).map(|(column, k)| format!("coalesce(t.{column}, d.{k})")).collect();
        let others = self.sent_others().iter().map(|value| format!(", {value}")).collect::<String>();
        // A row of a query has no tableoid, but a key, which is never NULL.
        let alive = match self.keys().first().filter(|_| self.selected) {
            Some(key) => format!("t.{key}"),
            None => "t.tableoid".to_owned(),
        };
        let trace = if self.route.traced { self.trace() } else { String::new() };
        fill(
            include_str!("sql/ship.sql"),
            &[
                ("keys", &named.join(", ")),
                ("alive", &alive),
                ("others", &others),
                ("trace", &trace),
                ("changed", &self.keys_to_ship(span, lost)),
                ("source", &self.source_from),
                ("same_key", &matched("t", "d", &self.keys(), &self.stage_keys(), &self.key.equals)),
            ],
        )
    }

    /// The other columns' values on the source.
    fn sent_others(&self) -> Vec<String> {
        let (plain, packed) = self.others.split_at(self.unpacked());
        let texts: Vec<String> = packed.iter().map(text_of).collect();
        let packed = (!packed.is_empty()).then(|| format!("array[{}]", texts.join(", ")));
        plain.iter().map(|column| format!("t.{column}")).chain(packed).collect()
    }

    fn trace(&self) -> String {
        format!(", d.changed, d.origin, {}, d.again", self.route.member)
    }

    /// Each changed key once. With a trace: when it last changed, the database where the change was
    /// made if that is another one than the source and the same for all, whether the receiver has
    /// all of it already, and whether all that happened is that the row gave way to another.
    pub(super) fn changed_keys(&self, span: &Span) -> String {
        self.keys_to_ship(span, false)
    }

    /// The same; with `lost`, without the keys that are on that list. They are told apart while
    /// grouping: whatever the planner believes about the list, it is read once.
    pub(super) fn keys_to_ship(&self, span: &Span, lost: bool) -> String {
        let keys = list_plain(&self.stage_keys());
        let more = match self.route.traced {
            true => format!(", txntime, origin, {} as again, origin is null and via is not null as noted", span.is_again()),
            false => String::new(),
        };
        let (mark, kept) = if lost { (", false as lost", "\nhaving not bool_or(lost)") } else { ("", "") };
        let noted = self.noted_as_staged();
        let changed = self.pending(span, |delta, condition| {
            format!("select {noted}{more}{mark} from {delta} where {condition} and truncated is null")
        });
        let nothing = if self.route.traced { ", null::timestamptz, null::text, null::boolean, null::boolean" } else { "" };
        let losers = lost.then(|| format!("select {keys}{nothing}, true from {}", self.lost()));
        let pending = changed.into_iter().chain(losers).collect::<Vec<_>>().join(UNION_ALL);
        let trace = if self.route.traced { self.traced_back() } else { String::new() };
        fill(include_str!("sql/changed_keys.sql"), &[("keys", &keys), ("trace", &trace), ("pending", &pending), ("kept", &kept)])
    }

    /// The columns of the source's delta tables under the names that they have in the stage, and
    /// with the collations that the source's columns have now.
    fn noted_as_staged(&self) -> String {
        let renamed = |((noted, collation), staged): ((&Ident, &Option<String>), Ident)| match collation {
            Some(collation) => format!("{noted} collate {collation} as {staged}"),
            None if *noted == staged => staged.to_string(),
            None => format!("{noted} as {staged}"),
        };
        let noted = self.noted_keys.iter().zip(&self.recollated);
        noted.zip(self.stage_keys()).map(renamed).collect::<Vec<_>>().join(", ")
    }

    fn traced_back(&self) -> String {
        format!(
            ", max(txntime) as changed, \
             case when bool_and(origin is not null) and min(origin) = max(origin) then min(origin) else {} end as origin, \
             bool_and(again) as again, bool_and(noted) as noted",
            literal(&self.route.from)
        )
    }

    /// The COPY that reads the table as a whole. A plain table is named as such, which is faster
    /// than a query.
    pub fn copy_out_sql(&self, form: &CopyFormat) -> String {
        let options = form.options(&self.copying.extra);
        match self.selected || self.source_from == self.source.to_string() {
            true => format!("copy ({}) to stdout {options}", self.copy_out_query()),
            false => format!("copy {} ({}) to stdout {options}", self.source, list_plain(&self.filled())),
        }
    }

    /// The query whose rows that are.
    pub fn copy_out_query(&self) -> String {
        format!("select {} from {} as t", list_plain(&self.filled()), self.source_from)
    }
}
