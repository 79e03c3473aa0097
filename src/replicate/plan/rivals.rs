//! Rows of different masters with different keys that claim the same: of a unique index, both cannot stay. One wins, on every member the
//! same, and the other is deleted everywhere and kept in the record of conflicts. Rows that the other side did not know are rivals, for each
//! side on its own has kept its constraints.
//!
//! A row may have several rivals, which have rivals of their own. So all pairs are found first, whichever index they are about, and then those
//! who are beaten by nobody win, and their rivals fall, until nobody is left: on every member the same, whatever the order of its indexes. So a
//! row that was sent, and that one of the receiver's own late rows displaced there, beats its rivals all the same: elsewhere it does. And as
//! nobody will meet it there again, these are noted once more.
//!
//! A row that the other side did know, and that claims what another row has there now, has lost already: by a round that reached that side
//! and then died ([`super::heard`]). So it loses here as well, before any duel, and that is noted as a change of the receiver's own: a third
//! master may have seen it otherwise, and gets to know.

use super::claims::both_claim;
use super::{Known, Plan, list_plain, matched, of};
use crate::pg::ident::literal;
use crate::pg::{Ident, Relation};
use crate::replicate::resolve::Strategy;
use crate::replicate::shape::Unique;
use crate::replicate::snapshot::Snapshot;

impl Plan {
    /// Whether there can be rivals.
    pub fn has_rivals(&self) -> bool {
        self.feed.is_some() && self.route.masters && !self.claims().is_empty()
    }

    /// Pairs of rivals.
    fn duels(&self) -> Relation {
        self.temporary("duels")
    }

    /// Those duels that somebody lost.
    fn fallen(&self) -> Relation {
        self.temporary("fallen")
    }

    /// Keys whose rows have lost on their own master.
    fn outcasts(&self) -> Relation {
        self.temporary("outcasts")
    }

    /// Rows of the stage that late ones of the receiver's own displaced.
    pub(super) fn displaced(&self) -> Relation {
        self.temporary("displaced")
    }

    /// The receiver's own rows that lost.
    fn rivals(&self) -> Relation {
        self.temporary("rivals")
    }

    /// Columns for the keys of those who win a duel, or lose it.
    fn keys_of(&self, who: &str) -> Vec<Ident> {
        (1..=self.key.columns.len()).map(|position| Ident::new(format!("{who}{position}"))).collect()
    }

    /// Makes the tables. A duel is between a row that `beats` and one that is `beaten`, each with the time of its change, its member, and whether it is
    /// the receiver's own; `late`, if the first came after the round's snapshot.
    pub fn create_rivals(&self) -> String {
        let named = |names: Vec<Ident>| {
            let pairs = self.keys().into_iter().zip(names).map(|(column, name)| format!("{column} as {name}"));
            pairs.collect::<Vec<_>>().join(", ")
        };
        let duel = format!(
            "as select {}, {}, now() as won_at, 0 as won_by, false as won_here, now() as lost_at, 0 as lost_by, \
             false as lost_here, false as late \
             from {} with no data",
            named(self.keys_of("w")),
            named(self.keys_of("l")),
            self.target_from
        );
        format!(
            "create temporary table {} on commit delete rows {duel}; create temporary table {} on commit delete rows {duel}; \
             create temporary table {} on commit delete rows as select {}, now() as changed, now() as here, 0 as member, 0 as owner, \
             false as known, '{{}}'::jsonb as details from {} with no data; \
             create temporary table {} on commit delete rows as select {} from {} with no data; \
             create temporary table {} on commit delete rows as select * from {} with no data",
            self.duels().name,
            self.fallen().name,
            self.rivals().name,
            self.named_keys(),
            self.target_from,
            self.outcasts().name,
            self.named_keys(),
            self.target_from,
            self.displaced().name,
            self.stage()
        )
    }

    /// Removes them.
    pub fn drop_rivals(&self) -> String {
        let all = [self.duels(), self.fallen(), self.rivals(), self.outcasts(), self.displaced()];
        format!("drop table if exists {}", all.map(|one| one.to_string()).join(", "))
    }

    /// Finds all pairs of rivals; `now` is the round's snapshot of the receiver. Affects as many rows as there are pairs.
    pub fn find_duels(&self, now: &Snapshot, known: Known, strategy: Strategy) -> String {
        let claims = self.claims();
        let within = claims.iter().map(|unique| self.duels_within(unique, strategy));
        let with_own = claims.iter().map(|unique| self.duels_with_own(unique, now, known, strategy));
        format!("insert into {} {}", self.duels(), within.chain(with_own).collect::<Vec<_>>().join(" union all "))
    }

    /// Rivals that came from different sources.
    fn duels_within(&self, unique: &Unique, strategy: Strategy) -> String {
        let (keys, staged) = (self.stage_keys(), self.staged_claims(unique));
        format!(
            "select {}, {}, o.changed, o.member, false, s.changed, s.member, false, false from {staged} as s join {staged} as o on {} \
             where s.member <> o.member and not ({}) and {}",
            of("o", &keys),
            of("s", &keys),
            both_claim(unique, "s", "o"),
            self.same_key("s", "o"),
            beats(strategy, ("o.changed", "o.member"), ("s.changed", "s.member")),
        )
    }

    /// Rivals of the receiver's rows that their masters do not know.
    fn duels_with_own(&self, unique: &Unique, now: &Snapshot, known: Known, strategy: Strategy) -> String {
        let (keys, columns) = (self.stage_keys(), self.feed_columns());
        // Whatever the planner believes, keys are joined first, and only then is asked who lacks what.
        let met = format!(
            "select {}, {}, s.changed, s.member, d.changed as here, d.member as owner, d.by, {} as won, \
             exists (select from ({}) as n where {}) as late from {} as s join {} as t on {} join ({}) as d on {} where {} and not ({}) offset 0",
            renamed("s", &keys, &self.keys_of("s")),
            renamed("t", &keys, &self.keys_of("t")),
            beats(strategy, ("s.changed", "s.member"), ("d.changed", "d.member")),
            self.late_changes(now),
            matched("t", "n", &keys, &columns, &self.target_equals),
            self.staged_claims(unique),
            self.own_claims(unique),
            both_claim(unique, "s", "t"),
            self.unknown_rows(known, strategy),
            self.same_key("t", "d"),
            self.unstaged("t"),
            self.same_key("s", "t"),
        );
        let (staged, own_row) = (self.keys_of("s"), self.keys_of("t"));
        format!(
            "select {}, case when won then changed else here end, case when won then member else owner end, not won, \
             case when won then here else changed end, case when won then owner else member end, won, late and not won from ({met}) as met where member = any (by)",
            staged
                .iter()
                .zip(&own_row)
                .map(|(s, t)| format!("case when won then {s} else {t} end"))
                .chain(staged.iter().zip(&own_row).map(|(s, t)| format!("case when won then {t} else {s} end")))
                .collect::<Vec<_>>()
                .join(", ")
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

    /// Whether somebody is about to lose against a late row, and beats others: where that row is not known, these lose.
    pub fn late_decides(&self) -> String {
        let beats_others = matched("o", "d", &self.keys_of("w"), &self.keys_of("l"), &self.target_equals);
        let duels = self.duels();
        format!("select exists (select from {duels} as d join {duels} as o on {beats_others} where d.late)")
    }

    /// One turn: whoever is beaten by nobody wins all its duels. Affects as many rows as fell; when it is none, no duel is left.
    pub fn fight(&self) -> String {
        let (winners, losers) = (self.keys_of("w"), self.keys_of("l"));
        let same = |one: &[Ident], other: &[Ident]| matched("d", "o", one, other, &self.target_equals);
        let (duels, fallen) = (self.duels(), self.fallen());
        let beaten = same(&winners, &losers);
        format!(
            "with fell as (select distinct on ({keys}) * from {duels} as d where not exists (select from {duels} as o where {beaten}) \
             order by {keys}, won_at desc, won_by), \
             gone as (delete from {duels} as d using fell as o where ({beaten}) or ({})) \
             insert into {fallen} select * from fell",
            same(&losers, &losers),
            keys = of("d", &losers),
        )
    }

    /// What follows for the losers: those of the stage become dead, and the receiver's own come into the stage as dead.
    pub fn bury_rivals(&self, own: i32) -> String {
        let keys = self.stage_keys();
        let lost = |row: &str| matched(row, "f", &keys, &self.keys_of("l"), &self.target_equals);
        let own_losers = format!(
            "insert into {} select {}, f.won_at, f.lost_at, f.won_by, f.lost_by, false, to_jsonb(t.*) from {} as f join {} as t on {} \
             where f.lost_here",
            self.rivals(),
            of("f", &self.keys_of("l")),
            self.fallen(),
            self.target_from,
            matched("t", "f", &self.keys(), &self.keys_of("l"), &self.target_equals),
        );
        let late = format!(
            "insert into {late} select {}, s.changed, s.origin, s.member, f.won_at, \
             coalesce((select max(l.seen) from {late} as l where {}), 0), true, {}, null from {} as f join {} as s on {} where f.late",
            of("s", &keys),
            self.same_key("l", "s"),
            self.staged_row("s"),
            self.fallen(),
            self.stage(),
            lost("s"),
            late = self.late(),
        );
        let dead = format!(
            "update {} as s set alive = false from {} as f where not f.lost_here and {}",
            self.stage(),
            self.fallen(),
            lost("s")
        );
        format!("{own_losers}; {late}; {dead}; {}", self.stage_rivals(own))
    }

    /// The receiver's rows that have lost elsewhere come into the stage as dead.
    pub fn bury_known(&self, known: Known, strategy: Strategy) -> String {
        let claims = self.claims();
        let found = claims.iter().map(|unique| self.find_known(unique, known, strategy)).collect::<Vec<_>>().join("; ");
        format!("{found}; {}", self.stage_rivals(known.own))
    }

    fn stage_rivals(&self, own: i32) -> String {
        let keys = list_plain(&self.stage_keys());
        format!(
            "insert into {} ({keys}, alive, changed, origin, member) select distinct {keys}, false, now(), {}, {own} \
             from {} as r where {}",
            self.stage(),
            literal(&self.route.to),
            self.rivals(),
            self.unstaged("r"),
        )
    }

    fn find_known(&self, unique: &Unique, known: Known, strategy: Strategy) -> String {
        let keys = of("t", &self.stage_keys());
        format!(
            "insert into {rivals} select distinct on ({keys}) {keys}, s.changed, now(), s.member, {}, true, \
             (select to_jsonb(w.*) from {} as w where {}) from {} as s join {} as t on {} \
             where {} and not ({}) and not exists (select from {rivals} as r where {}) \
             and not exists (select from ({}) as d where {} and s.member = any (d.by))",
            known.own,
            self.target_from,
            matched("w", "t", &self.keys(), &self.stage_keys(), &self.target_equals),
            self.staged_claims(unique),
            self.own_claims(unique),
            both_claim(unique, "s", "t"),
            self.unstaged("t"),
            self.same_key("s", "t"),
            self.same_key("t", "r"),
            self.unknown_rows(known, strategy),
            self.same_key("t", "d"),
            rivals = self.rivals(),
        )
    }

    /// Notes the end of those as changes of the receiver's own. After everything is applied: until then, such a change would be a late one.
    pub fn note_known(&self) -> Option<String> {
        let feed = self.feed().filter(|_| self.has_rivals())?;
        let (columns, keys) = (list_plain(&self.feed_columns()), list_plain(&self.stage_keys()));
        Some(format!("insert into {} ({columns}) select {keys} from {} where known", feed.names.delta(1), self.rivals()))
    }

    /// The keys of the receiver's own rows that lost in this round.
    pub fn fallen_query(&self) -> String {
        format!("select {} from {} as r where not known", of("r", &self.stage_keys()), self.rivals())
    }

    /// The keys of rows that lost against a displaced one, as masters shall note them once more.
    pub fn displaced_query(&self) -> String {
        format!(
            "select {}, now(), null, null from {} as f join {} as d on {}",
            of("f", &self.keys_of("l")),
            self.fallen(),
            self.displaced(),
            matched("d", "f", &self.stage_keys(), &self.keys_of("w"), &self.target_equals)
        )
    }

    /// The COPY by which another receiver gets to know them.
    pub fn fill_outcasts(&self) -> String {
        format!("{} ({})", self.outcasts(), list_plain(&self.stage_keys()))
    }

    /// Removes them there, if they were written in this round.
    pub fn cast_out(&self) -> String {
        format!(
            "delete from {} as t using {} as o, {} as s where s.alive and {} and {}",
            self.target_from,
            self.outcasts(),
            self.stage(),
            self.matched_target("t", "s"),
            self.same_key("s", "o")
        )
    }

    /// The receiver's own rows that lost, as records of conflicts; see [`Plan::CONFLICT_COLUMNS`], with `details`.
    pub fn rivals_query(&self, strategy: Strategy, members: &[String]) -> String {
        let names: Vec<String> = members.iter().map(|name| literal(name)).collect();
        let name = |number: &str| format!("(array[{}]::text[])[{number} + 1]", names.join(", "));
        let (sender, owner) = (name("member"), name("owner"));
        format!(
            "select {}, {sender}, jsonb_build_object({sender}, changed, {owner}, here), jsonb_build_object({owner}, details) from {}",
            self.conflict_head(strategy),
            self.rivals()
        )
    }
}

fn renamed(row: &str, names: &[Ident], new: &[Ident]) -> String {
    names.iter().zip(new).map(|(name, new)| format!("{row}.{name} as {new}")).collect::<Vec<_>>().join(", ")
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
