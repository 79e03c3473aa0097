//! Rows with different keys that claim the same: of a unique index, both cannot stay. The row that
//! wins stays, and the other gives way: it is deleted, kept in the record of conflicts, and its key
//! noted as a change of the receiver's own, so that the next round carries the deletion like any
//! other. So nothing depends on whether another receiver sees the same two rows, and decides alike.
//!
//! A row may be in several pairs, and so may the others in them. So all pairs are found first,
//! whichever index they are about. Then rows that no other beats win, and those they beat give way,
//! until no pair is left.

use super::unique_keys::both_claim;
use super::{Plan, UNION_ALL, list_plain, matched, of};
use crate::pg::fill;
use crate::pg::ident::literal;
use crate::pg::{Ident, Relation};
use crate::replicate::catalog::shape::Unique;
use crate::replicate::plan::strategy::Strategy;
use crate::replicate::snapshot::{Snapshot, Span};

/// The receiver of a stage, where it is a master.
#[derive(Debug, Clone, Copy)]
pub struct Receiver<'a> {
    /// Its number among the members.
    pub member: i32,
    /// The round's snapshot of it.
    pub now: &'a Snapshot,
    /// The span of its own changes that the round takes.
    pub taken: &'a Span,
}

impl Plan {
    /// Whether rows can claim the same.
    pub fn has_unique_keys(&self) -> bool {
        self.feed.is_some() && self.route.masters && !self.claims().is_empty()
    }

    fn conflicting_pairs(&self) -> Relation {
        self.temporary("conflicting_pairs")
    }

    /// Those pairs of which the second row gives way.
    fn losers(&self) -> Relation {
        self.temporary("losers")
    }

    /// The rows that give way, for the record: the receiver's own and, in reserve, those that were
    /// sent.
    fn losing_rows(&self) -> Relation {
        self.temporary("losing_rows")
    }

    /// Keys of losing rows that another receiver records.
    fn recorded(&self) -> Relation {
        self.temporary("recorded")
    }

    /// Columns for the keys of the row that wins (`w`), or loses (`l`).
    fn keys_of(&self, letter: &str) -> Vec<Ident> {
        (1..=self.key.columns.len()).map(|position| Ident::new(format!("{letter}{position}"))).collect()
    }

    /// Makes the tables. Of a pair, the first row beats the second; each has the time of its
    /// change, its member, and whether it is the receiver's own. `late`: the first is, and came
    /// after the round's snapshot. `seen`: the late changes of the second.
    pub fn create_pairs(&self) -> String {
        let named = |names: Vec<Ident>| {
            let pairs = self.keys().into_iter().zip(names).map(|(column, name)| format!("{column} as {name}"));
            pairs.collect::<Vec<_>>().join(", ")
        };
        fill(
            include_str!("sql/create_pairs.sql"),
            &[
                ("pairs", &self.conflicting_pairs().name),
                ("winners", &named(self.keys_of("w"))),
                ("losers_keys", &named(self.keys_of("l"))),
                ("target", &self.target_from),
                ("losers", &self.losers().name),
                ("losing_rows", &self.losing_rows().name),
                ("recorded", &self.recorded().name),
                ("keys", &self.named_keys()),
            ],
        )
    }

    /// Removes them.
    pub fn drop_pairs(&self) -> String {
        let all = [self.conflicting_pairs(), self.losers(), self.losing_rows(), self.recorded()];
        format!("drop table if exists {}", all.map(|one| one.to_string()).join(", "))
    }

    /// Finds all pairs. Affects as many rows as there are.
    pub fn find_pairs(&self, receiver: &Receiver, strategy: Strategy) -> String {
        let claims = self.claims();
        let staged = claims.iter().map(|unique| self.pairs_within(unique, strategy));
        let with_own = claims.iter().map(|unique| self.pairs_with_own(unique, receiver, strategy));
        format!("insert into {}\n{}", self.conflicting_pairs(), staged.chain(with_own).collect::<Vec<_>>().join(UNION_ALL))
    }

    /// Pairs of rows that came from different masters. Those of one master have kept its
    /// constraints.
    fn pairs_within(&self, unique: &Unique, strategy: Strategy) -> String {
        let (keys, staged) = (self.stage_keys(), self.staged_claims(unique));
        fill(
            include_str!("sql/pairs_of_stage.sql"),
            &[
                ("winner", &of("o", &keys)),
                ("loser", &of("s", &keys)),
                ("claims", &staged),
                ("both_claim", &both_claim(unique, "s", "o")),
                ("same_key", &self.same_key("s", "o")),
                ("beats", &beats(strategy, ("o.changed", "o.member"), ("s.changed", "s.member"))),
            ],
        )
    }

    /// Pairs of a row that came and one that is there. What is not known to have changed is older
    /// than everything. Whatever the planner believes, claims are joined first, and only then is
    /// asked when the receiver's row changed.
    fn pairs_with_own(&self, unique: &Unique, receiver: &Receiver, strategy: Strategy) -> String {
        let (keys, columns) = (self.stage_keys(), self.feed_columns());
        let (staged, own_row) = (self.keys_of("s"), self.keys_of("t"));
        let either = |one: &[Ident], other: &[Ident]| {
            one.iter().zip(other).map(|(a, b)| format!("case when won then {a} else {b} end")).collect::<Vec<_>>().join(", ")
        };
        let own = receiver.member.to_string();
        let beats = beats(strategy, ("met.changed", "met.member"), ("coalesce(d.here, '-infinity')", &own));
        fill(
            include_str!("sql/pairs_with_own.sql"),
            &[
                ("winner", &either(&staged, &own_row)),
                ("loser", &either(&own_row, &staged)),
                ("own", &own),
                ("beats", &beats),
                ("staged_keys", &renamed("s", &keys, &staged)),
                ("own_keys", &renamed("t", &keys, &own_row)),
                ("staged_claims", &self.staged_claims(unique)),
                ("own_claims", &self.own_claims(unique)),
                ("both_claim", &both_claim(unique, "s", "t")),
                ("unstaged", &self.unstaged("t")),
                ("same_key", &self.same_key("s", "t")),
                ("changes_here", &self.changes_here(receiver.taken)),
                ("same_as_change", &matched("met", "d", &own_row, &columns, &self.target_equals)),
                ("late_changes", &self.late_changes(receiver.now)),
                ("same_as_late", &matched("met", "n", &own_row, &columns, &self.target_equals)),
            ],
        )
    }

    /// That a row of the receiver is not staged: what is staged is about to be written over it.
    fn unstaged(&self, row: &str) -> String {
        format!("not exists (select from {} as o where {})", self.stage(), self.same_key(row, "o"))
    }

    fn same_key(&self, one: &str, other: &str) -> String {
        let keys = self.stage_keys();
        matched(one, other, &keys, &keys, &self.target_equals)
    }

    /// Whether a row beats others that is itself beaten by a late one: where that is not known,
    /// these lose in vain.
    pub fn late_decides(&self) -> String {
        let beats_others = matched("o", "d", &self.keys_of("w"), &self.keys_of("l"), &self.target_equals);
        let pairs = self.conflicting_pairs();
        fill(include_str!("sql/late_decides.sql"), &[("pairs", &pairs), ("beats_others", &beats_others)])
    }

    /// One turn: each row that is beaten by nobody wins all its pairs. Affects as many rows as
    /// fell; when it is none, no pair is left.
    pub fn decide_pairs(&self) -> String {
        let (winners, losers) = (self.keys_of("w"), self.keys_of("l"));
        let same = |one: &[Ident], other: &[Ident]| matched("d", "o", one, other, &self.target_equals);
        let pairs = self.conflicting_pairs();
        let beaten = same(&winners, &losers);
        fill(
            include_str!("sql/decide_pairs.sql"),
            &[
                ("pairs", &pairs),
                ("losers", &self.losers()),
                ("losers_keys", &of("d", &losers)),
                ("beaten", &beaten),
                ("same_loser", &same(&losers, &losers)),
            ],
        )
    }

    /// Losers of the stage become dead; losers of the receiver's own come into the stage as dead.
    /// What a late row beats is on record with the late ones, for its own master does not know of
    /// it.
    pub fn delete_losers(&self, own: i32) -> String {
        let keys = self.stage_keys();
        let losers = self.keys_of("l");
        fill(
            include_str!("sql/delete_losers.sql"),
            &[
                ("losing_rows", &self.losing_rows()),
                ("losers", &self.losers()),
                ("late", &self.late()),
                ("stage", &self.stage()),
                ("target", &self.target_from),
                ("losers_keys", &of("f", &losers)),
                ("keys_of_stage", &of("s", &keys)),
                ("keys", &list_plain(&keys)),
                ("same_as_own", &matched("t", "f", &self.keys(), &losers, &self.target_equals)),
                ("same_as_staged", &matched("s", "f", &keys, &losers, &self.target_equals)),
                ("same_as_late", &self.same_key("l", "s")),
                ("staged_row", &self.staged_row("s")),
                ("to", &literal(&self.route.to)),
                ("own", &own),
            ],
        )
    }

    /// The keys of the losing rows that this receiver records: its own, and `all` also those in
    /// reserve.
    pub fn recorded_query(&self, all: bool) -> String {
        let which = if all { "" } else { " where not reserve" };
        format!("select {}, owner from {}{which}", list_plain(&self.stage_keys()), self.losing_rows())
    }

    /// The COPY by which another receiver gets to know them.
    pub fn fill_recorded(&self) -> String {
        format!("{} ({}, owner)", self.recorded(), list_plain(&self.stage_keys()))
    }

    /// Leaves to the others what they record.
    pub fn drop_recorded(&self) -> String {
        fill(
            include_str!("sql/drop_recorded.sql"),
            &[("losing_rows", &self.losing_rows()), ("recorded", &self.recorded()), ("same_key", &self.same_key("r", "o"))],
        )
    }

    pub(super) fn left_join_losers(&self, staged: &str) -> String {
        let same = matched("f", staged, &self.keys_of("l"), &self.stage_keys(), &self.target_equals);
        format!("left join {} as f on f.lost_here and {same}", self.losers())
    }

    /// Notes that rows gave way, as changes of the receiver's own. After everything is applied:
    /// until then, they would be late ones.
    pub fn note_losers(&self) -> Option<String> {
        let feed = self.feed().filter(|_| self.has_unique_keys())?;
        Some(fill(
            include_str!("sql/note_losers.sql"),
            &[
                ("delta", &feed.names.delta(1)),
                ("columns", &list_plain(&self.feed_columns())),
                ("losers_keys", &list_plain(&self.keys_of("l"))),
                ("sync", &literal(&self.route.sync)),
                ("losers", &self.losers()),
            ],
        ))
    }

    /// The rows that gave way, as records of conflicts; see [`Plan::CONFLICT_COLUMNS`], with
    /// `details`.
    pub fn losing_rows_query(&self, strategy: Strategy, members: &[String]) -> String {
        let names: Vec<String> = members.iter().map(|name| literal(name)).collect();
        let name = |number: &str| format!("(array[{}]::text[])[{number} + 1]", names.join(", "));
        let (sender, owner) = (name("member"), name("owner"));
        fill(
            include_str!("sql/losing_rows.sql"),
            &[
                ("head", &self.conflict_head(strategy)),
                ("sender", &sender),
                ("owner", &owner),
                ("losing_rows", &self.losing_rows()),
            ],
        )
    }
}

fn renamed(row: &str, names: &[Ident], new: &[Ident]) -> String {
    names.iter().zip(new).map(|(name, new)| format!("{row}.{name} as {new}")).collect::<Vec<_>>().join(", ")
}

/// Whether one of two rows wins, each given by its time and its member. Where nobody shall win or
/// chance decides, the later does: all members must say the same.
fn beats(strategy: Strategy, one: (&str, &str), other: (&str, &str)) -> String {
    let ((time, member), (other_time, other_member)) = (one, other);
    match strategy {
        Strategy::Listed(ranks) => ranks.before(member, other_member),
        Strategy::Source => format!("{member} < {other_member}"),
        Strategy::Target => format!("{member} > {other_member}"),
        _ => format!("({time} > {other_time} or ({time} = {other_time} and {member} < {other_member}))"),
    }
}
