//! Where masters' keys meet: temporary tables on one master, in which the winner of each key is chosen, and the list of those that
//! lost, on each master that lost some. Rows take no part in it.

use super::{Plan, list_plain, of};
use crate::pg::Relation;
use crate::pg::ident::literal;
use crate::replicate::resolve::Strategy;
use crate::replicate::snapshot::Span;

impl Plan {
    fn meeting(&self) -> Relation {
        self.temporary("meet")
    }

    pub(super) fn verdict(&self) -> Relation {
        self.temporary("verdict")
    }

    pub(super) fn lost(&self) -> Relation {
        self.temporary("lost")
    }

    pub(super) fn named_keys(&self) -> String {
        let named = self.keys().into_iter().zip(self.stage_keys());
        named.map(|(column, k)| format!("{column} as {k}")).collect::<Vec<_>>().join(", ")
    }

    /// Makes the tables of the meeting on the receiver of this plan.
    pub fn create_meeting(&self) -> String {
        let keys = self.named_keys();
        format!(
            "create temporary table {} on commit delete rows as select {keys}, 0 as member, 0::bigint as lack, now() as changed \
             from {} with no data; \
             create temporary table {} on commit delete rows as select {keys}, 0 as member, now() as changed, false as lost, \
             false as conflict, false as again from {} with no data",
            self.meeting().name,
            self.target_from,
            self.verdict().name,
            self.target_from
        )
    }

    /// Removes them.
    pub fn drop_meeting(&self) -> String {
        format!("drop table if exists {}, {}", self.meeting(), self.verdict())
    }

    /// The COPY that fills the meeting.
    pub fn fill_meeting(&self) -> String {
        format!("{} ({}, member, lack, changed)", self.meeting(), list_plain(&self.stage_keys()))
    }

    /// What the source brings to the meeting: each key that some receiver lacks, with the set of those receivers as bits. `lanes` are the
    /// plans to each receiver with their spans and receivers' numbers.
    pub fn meeting_query(lanes: &[(&Plan, &Span, i32)]) -> String {
        let Some((first, ..)) = lanes.first() else { return String::new() };
        let keys = list_plain(&first.stage_keys());
        let each = |(plan, span, to): &(&Plan, &Span, i32)| {
            let changed = plan.changed_keys(span);
            format!("select {keys}, {}::bigint as lack, changed from ({changed}) as d", 1_i64 << to)
        };
        let all = lanes.iter().map(each).collect::<Vec<_>>().join(" union all ");
        format!("select {keys}, {}, bit_or(lack), max(changed) from ({all}) as d group by {keys}", first.route.member)
    }

    /// Chooses the winners. A change that its rival has seen is no rival: *dominated*. A key is in conflict when more than one
    /// change is left, or when everybody has seen another's. `masters` are the bits of all masters: one that has changed nothing and has seen the
    /// winner's change already got it from a round that died, together with others' that may have won then. The winner is to go there *again*.
    pub fn decide(&self, strategy: Strategy, masters: i64) -> String {
        let keys = list_plain(&self.stage_keys());
        let lost = if strategy == Strategy::Skip { "place > 1 or rivals <> 1" } else { "place > 1" };
        // Keys that several changed are few among all. Each brings all that was said about it along: looking it up in the meeting again would
        // be a scan for every key.
        format!(
            "insert into {verdict} select {keys}, member, changed, {lost}, rivals <> 1, \
             not ({lost}) and (lack | present) & {masters} <> {masters} from (\
             select {keys}, member, changed, lack, present, count(*) filter (where not dominated) over same as rivals, \
             row_number() over (partition by {keys} order by dominated, {order}) as place from (\
             select {keys}, m.*, (select bit_or(1::bigint << c) from unnest(members) as c) as present, exists (select from unnest(members, lacks) as o (member, lack) where o.member <> m.member \
             and o.lack & (1::bigint << m.member) <> 0 and m.lack & (1::bigint << o.member) = 0) as dominated from (\
             select {keys}, array_agg(member) as members, array_agg(lack) as lacks, array_agg(changed) as changes from {meeting} \
             group by {keys} having count(*) > 1) as k, unnest(members, lacks, changes) as m (member, lack, changed)) as m \
             window same as (partition by {keys})) as placed",
            verdict = self.verdict(),
            meeting = self.meeting(),
            order = strategy.order(),
        )
    }

    /// When one of the pending changes was made last, in microseconds.
    pub fn newest(&self, span: &Span) -> String {
        let all = self.pending(span, |delta, condition| format!("select max(txntime) from {delta} where {condition}"));
        format!("select (extract(epoch from max(max)) * 1000000)::bigint from ({}) as newest", all.join(" union all "))
    }

    /// The number of keys in conflict, and whether a winner is to go anywhere again.
    pub fn count_conflicts(&self) -> String {
        format!(
            "select count(*) filter (where conflict), coalesce(bool_or(again), false) \
             from (select bool_or(conflict) as conflict, bool_or(again) as again from {} group by {}) as keys",
            self.verdict(),
            list_plain(&self.stage_keys())
        )
    }

    /// The keys that this plan's source has won and that are to go everywhere again, as it shall note them once more.
    pub fn again_query(&self) -> String {
        format!(
            "select {}, changed, null, null from {} as v where again and member = {}",
            of("v", &self.stage_keys()),
            self.verdict(),
            self.route.member
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
            self.verdict(),
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
            self.verdict(),
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
}
