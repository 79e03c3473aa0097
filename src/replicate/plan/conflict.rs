//! Conflicts: keys that several masters changed. The candidates meet in temporary tables on one master, the coordinator, where the
//! winner of each key is chosen; each master that lost some gets the list of them. Rows take no part in it.

use super::{Plan, list_plain, matched, of};
use crate::pg::Relation;
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
        let keys = self.named_keys();
        format!(
            "create temporary table {} on commit delete rows as
             select {keys}, 0 as member, 0::bigint as missing_from, now() as changed, false as noted
             from {target} with no data;
             create temporary table {} on commit delete rows as
             select {keys}, 0 as member, now() as changed, false as lost, false as conflict
             from {target} with no data",
            self.candidates().name,
            self.conflict_result().name,
            target = self.target_from
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

    /// The candidates of the source: each key that some receiver lacks, with the set of those receivers as bits. `lanes` are the
    /// plans to each receiver with their spans and receivers' numbers. With `lost`, without the keys on that list.
    pub fn candidates_query(lanes: &[(&Plan, &Span, i32)], lost: bool) -> String {
        let Some((first, ..)) = lanes.first() else { return String::new() };
        let keys = list_plain(&first.stage_keys());
        let each = |(plan, span, to): &(&Plan, &Span, i32)| {
            let changed = plan.keys_to_ship(&span.lacking(), lost);
            format!("select {keys}, {}::bigint as missing_from, changed, noted from ({changed}) as d", 1_i64 << to)
        };
        let all = lanes.iter().map(each).collect::<Vec<_>>().join(" union all ");
        format!(
            "select {keys}, {}, bit_or(missing_from), max(changed), bool_and(noted) from ({all}) as d group by {keys}",
            first.route.member
        )
    }

    /// Chooses the winners. A change that another master has seen and answered is *dominated*. A key is in conflict when a
    /// change lost that is neither dominated nor merely the note of a row that gave way, or when each master has seen
    /// another's change.
    pub fn decide(&self, strategy: Strategy) -> String {
        let keys = list_plain(&self.stage_keys());
        let lost = if strategy == Strategy::Skip { "place > 1 or (contenders <> 1 and real)" } else { "place > 1" };
        // Keys that several changed are few among all. Each brings all that was said about it along: looking it up among the candidates
        // again would be a scan for every key.
        format!(
            "insert into {result}
             with keys as (
               select {keys}, array_agg(member) as members, array_agg(missing_from) as missing,
                      array_agg(changed) as changes, array_agg(noted) as notes
               from {candidates}
               group by {keys}
               having count(*) > 1
             ),
             each as (
               select {keys}, m.*,
                      exists (select from unnest(members, missing) as o (member, missing_from)
                              where o.member <> m.member
                                and o.missing_from & (1::bigint << m.member) <> 0
                                and m.missing_from & (1::bigint << o.member) = 0) as dominated
               from keys, unnest(members, missing, changes, notes) as m (member, missing_from, changed, noted)
             ),
             placed as (
               select {keys}, member, changed, dominated, noted,
                      count(*) filter (where not dominated) over same as contenders,
                      bool_or(not dominated and not noted) over same as real,
                      row_number() over (partition by {keys} order by dominated, {order}) as place
               from each
               window same as (partition by {keys})
             )
             select {keys}, member, changed, {lost},
                    contenders = 0 or bool_or(place > 1 and not dominated and not noted) over (partition by {keys})
             from placed",
            result = self.conflict_result(),
            candidates = self.candidates(),
            order = strategy.order(),
        )
    }

    /// When one of the pending changes was made last, in microseconds.
    pub fn newest(&self, span: &Span) -> String {
        let all = self.pending(span, |delta, condition| format!("select max(txntime) from {delta} where {condition}"));
        format!("select (extract(epoch from max(max)) * 1000000)::bigint from ({}) as newest", all.join(" union all "))
    }

    /// The number of keys in conflict.
    pub fn count_conflicts(&self) -> String {
        format!(
            "select count(*) filter (where conflict) from (select bool_or(conflict) as conflict from {} group by {}) as keys",
            self.conflict_result(),
            list_plain(&self.stage_keys())
        )
    }

    /// The conflicts, as rows of the control database's table `conflict`; see [`Plan::CONFLICT_COLUMNS`]. `members` are the masters'
    /// names; with `detailed`, column `details` follows.
    pub fn conflicts_query(&self, strategy: Strategy, members: &[String], detailed: bool) -> String {
        let names: Vec<String> = members.iter().map(|name| literal(name)).collect();
        let name = format!("(array[{}]::text[])[member + 1]", names.join(", "));
        let details = if detailed { format!(", {}", self.detail_of_conflict(members)) } else { String::new() };
        format!(
            "select {}, max({name}) filter (where not lost), jsonb_object_agg({name}, changed){details} from {} as v where conflict group by {}",
            self.conflict_head(strategy),
            self.conflict_result(),
            list_plain(&self.stage_keys())
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
        format!(
            "create temporary table {} on commit delete rows as select {} from {} with no data",
            self.lost().name,
            self.named_keys(),
            self.source_from
        )
    }

    /// Removes it.
    pub fn drop_lost(&self) -> String {
        format!("drop table if exists {}", self.lost())
    }

    /// The COPY that fills it.
    pub fn fill_lost(&self) -> String {
        format!("{} ({})", self.lost(), list_plain(&self.stage_keys()))
    }

    /// On the source: what lost is no change any more, for this sync. Other syncs still carry the key, as something that came from elsewhere.
    pub fn settle_lost(&self, span: &Span) -> String {
        let lost = matched("d", "l", &self.noted_keys, &self.stage_keys(), &self.key.equals);
        let each = |delta: &Relation, condition: &str| {
            format!(
                "update {delta} as d set origin = '', via = {} from {} as l where {condition} and {lost}",
                literal(&self.route.sync),
                self.lost()
            )
        };
        self.pending(span, each).join("; ")
    }
}
