//! Rows of different masters with different keys and the same value of a unique index: both cannot stay. One wins, on every member the
//! same, and the other is deleted everywhere and kept in the record of conflicts. Rows that the other side did not know are rivals, for each
//! side on its own has kept its constraints.
//!
//! A row that the other side did know, and that claims what another row has there now, has lost already: by a round that reached that side
//! and then died. So it loses here as well, and that is noted as a change of the receiver's own: a third master may have seen it
//! otherwise, and gets to know.

use super::{Plan, list_plain, matched, of};
use crate::pg::ident::literal;
use crate::pg::{Ident, Relation};
use crate::replicate::resolve::Strategy;
use crate::replicate::shape::Key;
use crate::replicate::snapshot::{Snapshot, Span};

impl Plan {
    /// Whether there can be rivals.
    pub fn has_rivals(&self) -> bool {
        self.feed.is_some() && self.route.masters && !self.staged_uniques().is_empty()
    }

    /// The unique indexes, each with the names of its columns in the stage. Columns that share an array there are left out.
    pub(super) fn staged_uniques(&self) -> Vec<(&Key, Vec<Ident>)> {
        let staged = |column: &String| {
            let key = self.key.columns.iter().position(|k| k == column).map(|at| Ident::new(format!("k{}", at + 1)));
            let plain = &self.others[..self.unpacked()];
            key.or_else(|| plain.iter().position(|c| c.raw() == column).map(|at| Ident::new(format!("c{}", at + 1))))
        };
        let all =
            self.uniques.iter().filter_map(|unique| Some((unique, unique.columns.iter().map(staged).collect::<Option<_>>()?)));
        all.collect()
    }

    fn rivals(&self) -> Relation {
        self.temporary("rivals")
    }

    /// Makes the table of the receiver's own rows that lost.
    pub fn create_rivals(&self) -> String {
        let keys = self.keys().into_iter().zip(self.stage_keys()).map(|(column, k)| format!("{column} as {k}"));
        format!(
            "create temporary table {} on commit delete rows as select {}, now() as changed, now() as here, 0 as member, true as won, \
             false as known, '{{}}'::jsonb as details from {} with no data",
            self.rivals().name,
            keys.collect::<Vec<_>>().join(", "),
            self.target_from
        )
    }

    /// Removes it.
    pub fn drop_rivals(&self) -> String {
        format!("drop table if exists {}", self.rivals())
    }

    /// Statements that find rivals and settle who wins: losers of the stage become dead, the receiver's own losers come into the stage as
    /// dead. `now` is the round's snapshot of the receiver; `unknown` are the receiver's changes that the sources lack; `own` is its number.
    pub fn settle_rivals(&self, now: &Snapshot, unknown: &Span, strategy: Strategy, own: i32) -> String {
        let uniques = self.staged_uniques();
        let all = uniques
            .iter()
            .map(|(unique, staged)| self.settle_within(unique, staged, strategy))
            .chain(uniques.iter().map(|(unique, staged)| self.settle_with_own(unique, staged, now, unknown, strategy, own)));
        all.collect::<Vec<_>>().join("; ")
    }

    /// Rivals that came from different sources.
    fn settle_within(&self, unique: &Key, staged: &[Ident], strategy: Strategy) -> String {
        let keys = self.stage_keys();
        format!(
            "update {stage} as s set alive = false from {stage} as o where s.alive and o.alive and s.member <> o.member and {} and not ({}) and {}",
            matched("s", "o", staged, staged, &unique.equals),
            matched("s", "o", &keys, &keys, &self.target_equals),
            beats(strategy, ("o.changed", "o.member"), ("s.changed", "s.member")),
            stage = self.stage(),
        )
    }

    /// Rivals of the receiver's own rows.
    fn settle_with_own(
        &self,
        unique: &Key,
        staged: &[Ident],
        now: &Snapshot,
        unknown: &Span,
        strategy: Strategy,
        own: i32,
    ) -> String {
        let (keys, columns) = (self.stage_keys(), self.feed_columns());
        let after = unknown.after.clone().unwrap_or(Snapshot { xmin: 0, xmax: 0, running: Vec::new() });
        let own_columns: Vec<Ident> = unique.columns.iter().map(Ident::new).collect();
        let own_text = own.to_string();
        let find = format!(
            "insert into {rivals} select {}, s.changed, d.here, s.member, {}, false, to_jsonb(t) from {stage} as s join {} as t on {} \
             join ({}) as d on {} where s.alive and not ({}) and not exists (select from {stage} as o where {})",
            of("t", &self.keys()),
            beats(strategy, ("s.changed", "s.member"), ("d.here", own_text.as_str())),
            self.target_from,
            matched("t", "s", &own_columns, staged, &unique.equals),
            self.late_changes(&after),
            matched("t", "d", &self.keys(), &columns, &self.target_equals),
            self.matched_target("t", "s"),
            self.matched_target("t", "o"),
            rivals = self.rivals(),
            stage = self.stage(),
        );
        let claims = matched("t", "s", &own_columns, staged, &unique.equals);
        let lose = format!(
            "update {} as s set alive = false from {} as r join {} as t on {} where not r.won and s.alive and {claims}",
            self.stage(),
            self.rivals(),
            self.target_from,
            self.matched_target("t", "r"),
        );
        let lose_late = self.lose_to_late(&claims, now);
        let find_known = self.find_known(&claims);
        let win = format!(
            "insert into {stage} ({keys}, alive, changed, origin, member) select distinct {keys}, false, now(), {}, {own} from {} as r \
             where won and not exists (select from {stage} as s where {})",
            literal(&self.route.to),
            self.rivals(),
            matched("s", "r", &self.stage_keys(), &keys, &self.target_equals),
            keys = list_plain(&keys),
            stage = self.stage(),
        );
        format!("{find}; {lose_late}; {lose}; {find_known}; {win}")
    }

    /// What is about to lose against a row of the receiver that came late is put on record here, as a late conflict: where it was made, the
    /// winner is not known yet, and later it arrives as a deletion like any other.
    fn lose_to_late(&self, claims: &str, now: &Snapshot) -> String {
        let (keys, late) = (self.stage_keys(), self.late());
        format!(
            "insert into {late} select {}, s.changed, s.origin, s.member, r.here, \
             coalesce((select max(l.seen) from {late} as l where {}), 0), true \
             from {} as r join {} as t on {} join {} as s on {claims} where not r.won and s.alive \
             and exists (select from ({}) as d where {})",
            of("s", &keys),
            matched("l", "s", &keys, &keys, &self.target_equals),
            self.rivals(),
            self.target_from,
            self.matched_target("t", "r"),
            self.stage(),
            self.late_changes(now),
            matched("t", "d", &self.keys(), &self.feed_columns(), &self.target_equals),
        )
    }

    /// The receiver's rows that have lost elsewhere.
    fn find_known(&self, claims: &str) -> String {
        let (keys, stage, rivals) = (of("t", &self.keys()), self.stage(), self.rivals());
        format!(
            "insert into {rivals} select distinct on ({keys}) {keys}, s.changed, now(), s.member, true, true, to_jsonb(t) \
             from {stage} as s join {} as t on {claims} where s.alive and not ({}) \
             and not exists (select from {stage} as o where {}) and not exists (select from {rivals} as r where {})",
            self.target_from,
            self.matched_target("t", "s"),
            self.matched_target("t", "o"),
            self.matched_target("t", "r"),
        )
    }

    /// Notes the end of those as changes of the receiver's own. After everything is applied: until then, such a change would be a late one.
    pub fn note_known(&self) -> Option<String> {
        let feed = self.feed().filter(|_| self.has_rivals())?;
        let (columns, keys) = (list_plain(&self.feed_columns()), list_plain(&self.stage_keys()));
        Some(format!("insert into {} ({columns}) select {keys} from {} where known", feed.names.delta(1), self.rivals()))
    }

    /// The receiver's own rows that lost, as records of conflicts; see [`Plan::CONFLICT_COLUMNS`], with `details`.
    pub fn rivals_query(&self, strategy: Strategy, members: &[String]) -> String {
        let names: Vec<String> = members.iter().map(|name| literal(name)).collect();
        let sender = format!("(array[{}]::text[])[member + 1]", names.join(", "));
        let here = literal(&self.route.to);
        format!(
            "select {}, {sender}, jsonb_build_object({sender}, changed, {here}, here), jsonb_build_object({here}, details) from {} where won",
            self.conflict_head(strategy),
            self.rivals()
        )
    }
}

/// Whether one of two rows wins, each given by its time and its member. Where nobody shall win or chance decides, the later does: all members must
/// say the same.
fn beats(strategy: Strategy, one: (&str, &str), other: (&str, &str)) -> String {
    let ((time, member), (other_time, other_member)) = (one, other);
    match strategy {
        Strategy::Listed(ranks) => ranks.before(member, other_member),
        Strategy::Source => format!("{member} < {other_member}"),
        Strategy::Target => format!("{member} > {other_member}"),
        _ => format!("({time} > {other_time} or ({time} = {other_time} and {member} < {other_member}))"),
    }
}
