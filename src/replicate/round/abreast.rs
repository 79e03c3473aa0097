//! Shipping and applying, at several members at once: a lane from A to B and one from B to A have
//! no session in common, so neither has to wait for the other. For a handful of changes it is not
//! worth a thread.

use super::late_changes::LateRules;
use super::{Lane, Round, Sessions};
use crate::control::queue::Counts;
use crate::error::{Error, Kind, Result};
use crate::replicate::ids::{ById, ByMember, Id, LaneId, MemberId, TableId};
use crate::replicate::plan::Receiver;
use crate::replicate::round::step::{Step, Watcher};
use crate::replicate::session::relay;
use crate::replicate::session::source::{Source, hold_as_planned};
use crate::replicate::session::target::{Beside, Settled, Target};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// So few changes that no plan for them is a bad one, and no thread worth its making.
const HANDFUL: i64 = 1000;

/// A lane's table on its way.
struct Shipment<'a> {
    lane: LaneId,
    query: String,
    source: &'a mut Source,
    target: &'a mut Target,
}

/// A table that is about to be written at a receiver; any lane to it will do, for its plan writes
/// the whole stage.
struct Delivery<'a> {
    lane: LaneId,
    beside: Option<Beside<'a>>,
    target: &'a mut Target,
}

/// What came of it.
struct Applied {
    lane: LaneId,
    counts: Counts,
    settled: Settled,
    noted: bool,
}

impl Sessions {
    /// Fills the stages.
    pub(super) fn ship(
        &mut self,
        table: TableId,
        lanes: &[LaneId],
        lost: bool,
        round: &Round,
        watcher: &mut dyn Watcher,
    ) -> Result<()> {
        for group in groups(&self.lanes, lanes) {
            let few: Vec<bool> = group.iter().map(|lane| self.few(table, *lane, round)).collect();
            let changes: Vec<i64> = group.iter().map(|lane| round.changes(*lane, table)).collect();
            let abreast = changes.iter().all(|changes| *changes >= HANDFUL);
            let Sessions { lanes, sources, targets, .. } = &mut *self;
            let (mut sources, mut targets) = (each_of(sources), each_of(targets));
            let mut shipments = Vec::new();
            for (lane, few) in group.into_iter().zip(few) {
                let (source, target) = (take(&mut sources, lanes[lane].from)?, take(&mut targets, lanes[lane].to)?);
                watcher.at(Step::Ship, Some(&lanes[lane].plans[table].source))?;
                hold_as_planned(&mut source.conn, &lanes[lane].plans[table])?;
                source.prefer_index(few)?;
                shipments.push(Shipment { lane, query: lanes[lane].plans[table].ship(&round.spans[lane], lost), source, target });
            }
            watcher.expects(changes.iter().sum::<i64>().unsigned_abs());
            let watching = Mutex::new(&mut *watcher);
            let moved = |rows| watching.lock().unwrap_or_else(PoisonError::into_inner).moved(rows);
            each(shipments, abreast, |shipment| send(&lanes[shipment.lane], table, shipment, &mut |rows| moved(rows)))?;
        }
        Ok(())
    }

    /// Whether the keys on a lane are few enough, beside the rows of the table, to fetch each
    /// through the index. To walk the index for a row, in the keys' order, takes about as long as
    /// to read eight rows while reading all.
    fn few(&self, table: TableId, lane: LaneId, round: &Round) -> bool {
        let changes = round.changes(lane, table);
        changes < HANDFUL || (changes as f32) * 8.0 < self.lanes[lane].plans[table].rows
    }

    /// Writes what is in the stages.
    pub(super) fn apply(
        &mut self,
        table: TableId,
        lanes: &[LaneId],
        rules: LateRules,
        round: &mut Round,
        watcher: &mut dyn Watcher,
    ) -> Result<Counts> {
        let receivers: BTreeMap<MemberId, LaneId> = lanes.iter().map(|lane| (self.lanes[*lane].to, *lane)).collect();
        let coming =
            |to: MemberId| lanes.iter().filter(|lane| self.lanes[**lane].to == to).map(|lane| round.changes(*lane, table)).sum();
        let changes: Vec<i64> = receivers.keys().map(|to| coming(*to)).collect();
        let Sessions { lanes, targets, .. } = &mut *self;
        let mut targets = each_of(targets);
        let mut deliveries = Vec::new();
        for (to, lane) in receivers {
            let plan = &lanes[lane].plans[table];
            watcher.at(Step::Apply, Some(&plan.source))?;
            let as_source = lanes.find(|other| other.from == to).filter(|_| plan.feed().is_some());
            let receiver =
                |source: LaneId| Receiver { member: to.number(), now: &round.looks[source].now, taken: &round.spans[source] };
            let LateRules { strategy, insists, detailed } = rules;
            let beside = as_source.map(|source| Beside { receiver: receiver(source), strategy, insists, detailed });
            deliveries.push(Delivery { lane, beside, target: take(&mut targets, to)? });
        }
        let abreast = changes.iter().all(|changes| *changes >= HANDFUL);
        let applied = each(deliveries, abreast, |delivery| deliver(&lanes[delivery.lane], table, delivery))?;
        let mut counts = Counts::default();
        for applied in applied {
            counts += applied.counts;
            self.note_applied(table, &applied, round);
            watcher.at(Step::AfterTableSync, Some(&self.lanes[applied.lane].plans[table].source))?;
        }
        Ok(counts)
    }

    fn note_applied(&self, table: TableId, applied: &Applied, round: &mut Round) {
        let Applied { lane, settled, noted, .. } = *applied;
        let to = self.lanes[lane].to;
        round.late.settled(to, table, &settled);
        round.conflicts.settled(lane, table, &settled);
        if noted {
            round.noted.insert(to);
        }
    }
}

fn send(lane: &Lane, table: TableId, shipment: Shipment, moved: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
    let plan = &lane.plans[table];
    let Shipment { query, source, target, .. } = shipment;
    relay::copy(&mut source.conn, &query, &mut target.conn, &plan.fill_stage(), &lane.encoding, moved)
        .map_err(|error| error.context(format!("table {}", plan.source.label())))?;
    Ok(())
}

fn deliver(to: &Lane, table: TableId, delivery: Delivery) -> Result<Applied> {
    let plan = &to.plans[table];
    let Delivery { lane, beside, target } = delivery;
    let applied = match &beside {
        Some(beside) => target.apply_beside(plan, beside),
        None => target.apply(plan).map(|counts| (counts, Settled::default())),
    };
    let (counts, settled) = applied.map_err(|error| error.context(format!("table {}", plan.target.label())))?;
    let noted = plan.note_applied().map_or(Ok(0), |note| target.conn.execute(&note, &[]))? > 0;
    Ok(Applied { lane, counts, settled, noted })
}

/// All of them, to be taken one by one.
pub(super) fn each_of<T>(members: &mut ByMember<T>) -> ByMember<&mut T> {
    members.iter_mut().map(|(number, member)| (*number, member)).collect()
}

/// One of them, for as long as the others are lent as well.
pub(super) fn take<T>(members: &mut ByMember<T>, number: MemberId) -> Result<T> {
    members.remove(&number).ok_or_else(|| Error::new(Kind::Bug, format!("member {} is missing or busy", number.place())))
}

/// Does all jobs, each in a thread of its own if they go `abreast`, and waits for all. The first
/// error counts.
fn each<J: Send, T: Send>(jobs: Vec<J>, abreast: bool, work: impl Fn(J) -> Result<T> + Sync) -> Result<Vec<T>> {
    if !abreast || jobs.len() < 2 {
        return jobs.into_iter().map(work).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        let threads: Vec<_> = jobs.into_iter().map(|job| scope.spawn(move || work(job))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(broken()))).collect()
    })
}

fn broken() -> Error {
    Error::new(Kind::Bug, "a thread of the kid broke down")
}

/// Lanes in groups: within each, no two have a source or a receiver in common.
fn groups(lanes: &ById<LaneId, Lane>, wanted: &[LaneId]) -> Vec<Vec<LaneId>> {
    let mut groups: Vec<Vec<LaneId>> = Vec::new();
    for lane in wanted {
        let (from, to) = (lanes[*lane].from, lanes[*lane].to);
        let apart = |group: &&mut Vec<LaneId>| group.iter().all(|other| lanes[*other].from != from && lanes[*other].to != to);
        match groups.iter_mut().find(apart) {
            Some(group) => group.push(*lane),
            None => groups.push(vec![*lane]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;

    fn lanes(ways: &[(usize, usize)]) -> ById<LaneId, Lane> {
        ways.iter().map(|(from, to)| Lane::new(MemberId::at(*from), MemberId::at(*to), ById::default())).collect()
    }

    #[test]
    fn three_masters_have_three_lanes_abreast_and_one_source_has_one() {
        let grouped = |all: &ById<LaneId, Lane>| {
            let groups = groups(all, &all.ids().collect::<Vec<_>>());
            groups.into_iter().map(|group| group.into_iter().map(Id::place).collect()).collect::<Vec<Vec<usize>>>()
        };
        let all = lanes(&[(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]);
        assert_eq!(grouped(&all), [vec![0, 2], vec![1, 4], vec![3, 5]]);
        assert_eq!(grouped(&lanes(&[(0, 1), (0, 2)])), [[0], [1]]);
        assert_eq!(grouped(&lanes(&[(0, 1), (1, 0)])), [[0, 1]]);
    }

    #[test]
    fn jobs_abreast_are_all_done_and_their_first_error_counts() {
        let doubled = |n: i32| if n < 3 { Ok(n * 2) } else { Err(Error::new(Kind::Refused, n.to_string())) };
        for abreast in [false, true] {
            assert_eq!(each(vec![1, 2], abreast, doubled).unwrap(), [2, 4]);
            assert_eq!(each(vec![1, 3, 4], abreast, doubled).unwrap_err().to_string(), "3");
        }
    }
}
