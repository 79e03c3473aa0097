//! The round, as `src/replicate/round` runs it.

use super::member::{Change, Key, Member, Row};
use super::{Event, World};
use bucardo::replicate::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// How conflicts are decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    Latest,
    /// The first master wins.
    Source,
    /// The last one does.
    Target,
}

/// What makes masters agree; without one of these rules, some history parts them.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Each receiver gets all that any receiver lacks.
    pub resend: bool,
    /// A row that gives way to another is deleted as if an application had done so: that is a
    /// change of the receiver's own.
    pub note: bool,
    /// What a receiver had got already loses against what was written there since.
    pub known: bool,
    /// A change that came late and lost is no change any more.
    pub settle: bool,
    /// A TRUNCATE counts as a change of all that its master knew.
    pub truncate: bool,
}

impl Rules {
    pub const ALL: Rules = Rules { resend: true, note: true, known: true, settle: true, truncate: true };
}

/// How a round ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Nothing,
    Carried,
    Repeat,
    Died,
}

struct Look {
    rows: BTreeMap<Key, Row>,
    delta: Vec<Change>,
    now: Snapshot,
}

/// A master's pending change of a key, and who lacks it, as bits.
#[derive(Clone, Copy)]
struct Candidate {
    member: usize,
    changed: i64,
    lack: u32,
}

/// What a key becomes everywhere.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    member: usize,
    changed: i64,
    row: Option<Row>,
    /// A TRUNCATE was later: the row is dead on its own master, too.
    emptied: bool,
}

/// Two rows that cannot both stay, each by key, time and member.
#[derive(Debug, Clone, Copy)]
struct Pair {
    wins: (Key, i64, usize),
    loses: (Key, i64, usize),
}

struct Applied {
    txid: i64,
    rows: BTreeMap<Key, Option<Row>>,
    notes: Vec<(Key, i64)>,
    /// Late changes that lost: the key, and how many lines the delta had.
    settled: Vec<(Key, usize)>,
}

impl Strategy {
    fn beats(self, one: (i64, usize), other: (i64, usize)) -> bool {
        match self {
            Strategy::Latest => (one.0, other.1) > (other.0, one.1),
            Strategy::Source => one.1 < other.1,
            Strategy::Target => one.1 > other.1,
        }
    }
}

impl World {
    /// Lets happen what is due; says whether the KID dies.
    fn point(&mut self) -> bool {
        self.point += 1;
        let mut dies = false;
        while self.script.last().is_some_and(|(due, _)| *due <= self.point) {
            let Some((_, event)) = self.script.pop() else { break };
            self.clock += 1;
            match event {
                Event::Begin(member) => self.members[member].open(self.clock),
                Event::Die => dies = true,
                Event::Write(member, write) => {
                    self.writes += 1;
                    let before = self.members[member].rows.clone();
                    if self.members[member].write(write, self.clock, self.writes) {
                        self.note_replaced(&before, member);
                        self.made.extend(
                            self.members[member].rows.values().any(|row| row.write == self.writes).then_some(self.writes),
                        );
                    }
                }
            }
        }
        dies
    }

    fn note_replaced(&mut self, before: &BTreeMap<Key, Row>, member: usize) {
        let after = &self.members[member].rows;
        let replaced = before.iter().filter(|(key, row)| after.get(key) != Some(row));
        self.replaced.extend(replaced.map(|(_, row)| row.write));
    }

    pub fn round(&mut self) -> End {
        let Ok(looks) = self.look() else { return End::Died };
        let (candidates, truncated) = self.candidates(&looks);
        if candidates.is_empty() && truncated.iter().all(|lack| *lack == 0) {
            return End::Nothing;
        }
        let verdicts = self.decide(&looks, &candidates, &truncated);
        let mut applied = Vec::new();
        for receiver in 0..self.members.len() {
            let dies = self.point();
            match self.apply(receiver, &looks, &verdicts, &truncated) {
                Some(one) if !dies => applied.push(one),
                one => {
                    applied.extend(one);
                    self.roll_back(&applied, 0);
                    return if dies { End::Died } else { End::Repeat };
                }
            }
        }
        if self.rules.settle {
            self.settle_losers(&looks, &candidates, &verdicts);
        }
        for receiver in 0..self.members.len() {
            if self.point() {
                self.roll_back(&applied, receiver);
                return End::Died;
            }
            self.commit(receiver, &applied[receiver], &looks);
        }
        End::Carried
    }

    fn look(&mut self) -> Result<Vec<Look>, ()> {
        let mut looks = Vec::new();
        for member in 0..self.members.len() {
            if self.point() {
                return Err(());
            }
            let Member { rows, delta, .. } = &self.members[member];
            looks.push(Look { rows: rows.clone(), delta: delta.clone(), now: self.members[member].snapshot() });
        }
        Ok(looks)
    }

    /// The receipt from which a source's changes are taken: what all have.
    fn taken_after(&self, source: usize) -> Snapshot {
        let all = (0..self.members.len()).filter(|to| *to != source);
        all.map(|to| self.receipts[source][to].clone()).reduce(|one, other| one.common(&other)).unwrap()
    }

    fn candidates(&self, looks: &[Look]) -> (BTreeMap<Key, Vec<Candidate>>, Vec<u32>) {
        let mut candidates: BTreeMap<Key, Vec<Candidate>> = BTreeMap::new();
        let mut truncated = vec![0; looks.len()];
        for (member, look) in looks.iter().enumerate() {
            for change in look.delta.iter().filter(|change| look.now.sees(change.txid) && !change.settled) {
                let lacks = |to: &usize| *to != member && !self.receipts[member][*to].sees(change.txid);
                let lack: u32 = (0..looks.len()).filter(lacks).map(|to| 1 << to).sum();
                if lack == 0 {
                    continue;
                }
                let Some(key) = change.key else {
                    truncated[member] |= lack;
                    continue;
                };
                let all = candidates.entry(key).or_default();
                match all.iter_mut().find(|one| one.member == member) {
                    Some(one) => {
                        one.lack |= lack;
                        one.changed = one.changed.max(change.time);
                    }
                    None => all.push(Candidate { member, changed: change.time, lack }),
                }
            }
        }
        (candidates, truncated)
    }

    /// Chooses for each key the change that counts.
    fn decide(
        &mut self,
        looks: &[Look],
        candidates: &BTreeMap<Key, Vec<Candidate>>,
        truncated: &[u32],
    ) -> BTreeMap<Key, Verdict> {
        let mut verdicts = BTreeMap::new();
        for (key, all) in candidates {
            let unseen = |one: &Candidate, by: usize| one.lack & (1 << by) != 0;
            let dominated = |one: &Candidate| {
                all.iter().any(|other| other.member != one.member && unseen(other, one.member) && !unseen(one, other.member))
            };
            let emptied = |one: &Candidate| {
                let by = |other: &usize| {
                    *other != one.member
                        && truncated[*other] & (1 << one.member) != 0
                        && !unseen(one, *other)
                        && !looks[*other].rows.contains_key(key)
                };
                self.rules.truncate && (0..looks.len()).any(|other| by(&other))
            };
            let order: Vec<(bool, &Candidate)> = all.iter().map(|one| (emptied(one) || dominated(one), one)).collect();
            let best = order.iter().copied().reduce(|best, one| {
                let better = (one.0, best.0) == (false, true)
                    || (one.0 == best.0 && self.strategy.beats((one.1.changed, one.1.member), (best.1.changed, best.1.member)));
                if better { one } else { best }
            });
            let (_, winner) = best.unwrap();
            let row = looks[winner.member].rows.get(key).copied();
            let dead = emptied(winner);
            for (gone, one) in &order {
                let theirs = looks[one.member].rows.get(key);
                if one.member != winner.member && !gone && theirs != row.as_ref() {
                    self.lost.extend(theirs.map(|row| (*key, row.write)));
                }
            }
            let row = if dead { None } else { row };
            verdicts.insert(*key, Verdict { member: winner.member, changed: winner.changed, row, emptied: dead });
        }
        verdicts
    }

    /// Sources commit before receivers: what lost there is no change any more.
    fn settle_losers(&mut self, looks: &[Look], candidates: &BTreeMap<Key, Vec<Candidate>>, verdicts: &BTreeMap<Key, Verdict>) {
        for (key, one) in candidates.iter().flat_map(|(key, all)| all.iter().map(move |one| (*key, one))) {
            if verdicts[&key].member != one.member || verdicts[&key].emptied {
                let now = &looks[one.member].now;
                let lines = self.members[one.member].delta.iter_mut();
                lines.filter(|line| line.key == Some(key) && now.sees(line.txid)).for_each(|line| line.settled = true);
            }
        }
    }

    /// What a receiver does; none if the round is to be repeated.
    fn apply(&mut self, to: usize, looks: &[Look], verdicts: &BTreeMap<Key, Verdict>, truncated: &[u32]) -> Option<Applied> {
        let txid = self.members[to].begin();
        self.members[to].busy.push(txid);
        let here = self.members[to].clone();
        let late: Vec<Change> = here.delta.iter().filter(|change| !looks[to].now.sees(change.txid)).copied().collect();
        let nothing = || Applied { txid, rows: BTreeMap::new(), notes: Vec::new(), settled: Vec::new() };
        if late.iter().any(|change| change.key.is_none()) {
            let nothing = nothing();
            self.roll_back_one(to, &nothing);
            return None;
        }
        let late_time = |key: Key| late.iter().filter(|change| change.key == Some(key)).map(|change| change.time).max();
        let lacks = |key: Key, from: usize| {
            let (seen, now) = (&self.receipts[from][to], &looks[from].now);
            looks[from].delta.iter().any(|one| one.key == Some(key) && now.sees(one.txid) && !seen.sees(one.txid))
        };
        let mut stage: BTreeMap<Key, Verdict> = BTreeMap::new();
        for (key, one) in verdicts {
            if one.emptied || (one.member != to && (self.rules.resend || lacks(*key, one.member))) {
                stage.insert(*key, *one);
            }
        }
        let again = |key: Key, one: &Verdict| self.rules.known && one.member != to && !lacks(key, one.member);
        let (mut lost, mut settled) = (Vec::new(), Vec::new());
        stage.retain(|key, one| {
            let Some(time) = late_time(*key) else { return true };
            let kept = one.member == to || again(*key, one) || self.strategy.beats((time, to), (one.changed, one.member));
            let loser = if kept { one.row } else { here.rows.get(key).copied() };
            lost.extend(loser.map(|row| (*key, row.write)));
            settled.extend((!kept && self.rules.settle).then_some((*key, here.delta.len())));
            !kept
        });
        self.lost.extend(lost);
        let empties = |from: &usize| match self.rules.resend {
            true => *from != to && truncated[*from] != 0,
            false => truncated[*from] & (1 << to) != 0,
        };
        let stays = |key: Key| {
            let gone = |from: usize| !looks[from].rows.contains_key(&key);
            let decided = verdicts.get(&key).is_some_and(|one| !one.emptied) || late_time(key).is_some();
            decided || !(0..looks.len()).filter(empties).any(gone)
        };
        let own: BTreeMap<Key, Row> =
            here.rows.iter().filter(|(key, _)| !stage.contains_key(key) && stays(**key)).map(|(k, r)| (*k, *r)).collect();
        let (mut rows, mut notes) = (BTreeMap::new(), Vec::new());
        for key in here.rows.keys().filter(|key| !own.contains_key(key) && !stage.contains_key(key)) {
            rows.insert(*key, None);
        }
        rows.extend(stage.iter().map(|(key, one)| (*key, one.row)));
        for Pair { wins, loses } in fight(self.collisions(to, &here, &stage, &own)) {
            let gone = rows.insert(loses.0, None).flatten().or(own.get(&loses.0).copied());
            self.lost.extend(gone.map(|row| (loses.0, row.write)));
            notes.push((loses.0, wins.1.max(loses.1)));
        }
        let claims = rows.values().flatten().map(|row| row.claim);
        let old = rows.keys().filter_map(|key| here.rows.get(key)).map(|row| row.claim);
        self.members[to].held = Some((rows.keys().copied().collect(), claims.chain(old).filter(|claim| *claim != 0).collect()));
        Some(Applied { txid, rows, notes, settled })
    }

    /// Rows that come to a receiver and its own that claim the same.
    fn collisions(&self, to: usize, here: &Member, stage: &BTreeMap<Key, Verdict>, own: &BTreeMap<Key, Row>) -> Vec<Pair> {
        let seen = self.taken_after(to);
        let own_time = |key: Key| {
            let changes = here.delta.iter().filter(|one| one.key == Some(key) && !seen.sees(one.txid));
            changes.map(|one| one.time).max().unwrap_or(i64::MIN)
        };
        let coming: Vec<(Key, i64, usize, Option<Row>)> =
            stage.iter().map(|(key, one)| (*key, one.changed, one.member, one.row)).collect();
        let there = own.iter().map(|(key, row)| (*key, own_time(*key), to, Some(*row)));
        let all: Vec<(Key, i64, usize, Option<Row>)> = coming.iter().copied().chain(there).collect();
        let mut pairs = Vec::new();
        for one in &coming {
            for other in all.iter().filter(|other| other.0 != one.0 && claim_same(one.3, other.3)) {
                let (a, b) = ((one.0, one.1, one.2), (other.0, other.1, other.2));
                let wins = self.strategy.beats((a.1, a.2), (b.1, b.2));
                pairs.push(if wins { Pair { wins: a, loses: b } } else { Pair { wins: b, loses: a } });
            }
        }
        pairs
    }

    fn commit(&mut self, to: usize, applied: &Applied, looks: &[Look]) {
        let member = &mut self.members[to];
        for (key, lines) in &applied.settled {
            let late = member.delta.iter_mut().take(*lines).filter(|one| one.key == Some(*key) && !looks[to].now.sees(one.txid));
            late.for_each(|one| one.settled = true);
        }
        for (key, row) in &applied.rows {
            match row {
                Some(row) => member.rows.insert(*key, *row),
                None => member.rows.remove(key),
            };
        }
        if self.rules.note {
            let txid = applied.txid;
            member.delta.extend(applied.notes.iter().map(|(key, time)| Change {
                txid,
                key: Some(*key),
                time: *time,
                settled: false,
            }));
        }
        self.roll_back_one(to, applied);
        for (from, look) in looks.iter().enumerate() {
            self.receipts[from][to] = look.now.clone();
        }
        let claims: Vec<u8> = self.members[to].rows.values().map(|row| row.claim).filter(|claim| *claim != 0).collect();
        assert_eq!(claims.iter().collect::<BTreeSet<_>>().len(), claims.len(), "a unique violation on {to}: {self:?}");
    }

    fn roll_back(&mut self, applied: &[Applied], first: usize) {
        applied.iter().enumerate().skip(first).for_each(|(to, one)| self.roll_back_one(to, one));
    }

    fn roll_back_one(&mut self, to: usize, applied: &Applied) {
        self.members[to].busy.retain(|txid| *txid != applied.txid);
        self.members[to].held = None;
    }
}

fn claim_same(one: Option<Row>, other: Option<Row>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.claim != 0 && one.claim == other.claim)
}

/// Who is beaten by nobody wins all its pairs, and their losers fall, until no pair is left. One
/// line for each that fell.
fn fight(mut pairs: Vec<Pair>) -> Vec<Pair> {
    let mut fallen: Vec<Pair> = Vec::new();
    while !pairs.is_empty() {
        let beaten: BTreeSet<Key> = pairs.iter().map(|pair| pair.loses.0).collect();
        let fell: Vec<Pair> = pairs.iter().filter(|pair| !beaten.contains(&pair.wins.0)).copied().collect();
        assert!(!fell.is_empty(), "nobody wins: {pairs:?}");
        let gone: BTreeSet<Key> = fell.iter().map(|pair| pair.loses.0).collect();
        pairs.retain(|pair| !gone.contains(&pair.loses.0) && !gone.contains(&pair.wins.0));
        for key in gone {
            let by =
                fell.iter().filter(|pair| pair.loses.0 == key).max_by_key(|pair| (pair.wins.1, std::cmp::Reverse(pair.wins.2)));
            fallen.extend(by);
        }
    }
    fallen
}
