//! The round: every change that is committed on the *sources* of a sync when it begins reaches
//! every other *member*, for each receiver in one transaction together with the receipt that says
//! so.
//!
//! One source and one target, or several masters: the same algorithm with other *lanes*. A lane
//! leads from one source to one receiver and has a receipt of its own. A crash anywhere before a
//! receiver's commit leaves nothing there; a crash after it leaves both rows and receipt. So a
//! round that is repeated carries what is still missing and nothing twice, without two-phase
//! commit. Among masters, one that has committed has seen what the others changed, so its state is
//! the decision that the next round brings to the rest.

mod abreast;
mod carrier;
mod conflict;
mod foreign_keys;
mod interrupted_copy;
mod late_changes;
mod locks;
mod outdated;
mod parallel_copy;
mod rates;
mod retry_mode;
pub mod sequence;
mod sessions;
pub mod step;
mod table;
mod truncate;

use crate::control::queue::Counts;
use crate::error::{Error, Result};
use crate::replicate::ids::{ById, LaneId, MemberId, TableId};
use crate::replicate::plan::Plan;
use crate::replicate::round::step::{Step, Watcher};
use crate::replicate::session::source::{Look, Pending, span};
use crate::replicate::session::target::Written;
use crate::replicate::snapshot::{Snapshot, Span};
pub use carrier::{Carrier, Parts, Table};
use conflict::Conflicts;
pub use interrupted_copy::Copies;
use late_changes::LateChanges;
pub use sessions::{Lane, Sessions};
use std::collections::{BTreeMap, BTreeSet};

/// What a round did.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was pending.
    Nothing {
        /// The transactions that were running on each source at that time: the source's number,
        /// their ids.
        running: BTreeMap<MemberId, Vec<i64>>,
    },
    /// A table is not what it was when the plans were made: nothing was carried, and nothing can be
    /// with them.
    Outdated,
    /// Rows were carried.
    Carried {
        /// How many.
        counts: Counts,
        /// Whether that was everything the round's snapshots saw; if not, the backlog was cut.
        all: bool,
    },
    /// So many rows would have been carried, and nothing was.
    Rehearsed(Counts),
}

/// What one round knows.
#[derive(Default)]
struct Round {
    looks: ById<LaneId, Look>,
    spans: ById<LaneId, Span>,
    pending: BTreeMap<(LaneId, TableId), Pending>,
    /// Tables that changed so much that they are copied as a whole.
    bypassed: BTreeSet<TableId>,
    late: LateChanges,
    conflicts: Conflicts,
    /// Receivers where something was noted for other syncs.
    noted: BTreeSet<MemberId>,
}

impl Round {
    /// How many changes of a table are pending on a lane, as far as they were counted.
    fn changes(&self, lane: LaneId, table: TableId) -> i64 {
        self.pending.get(&(lane, table)).map_or(0, |pending| pending.changes)
    }

    /// Whether a TRUNCATE of a table is on its way on a lane.
    fn is_truncated(&self, lane: LaneId, table: TableId) -> bool {
        self.pending.get(&(lane, table)).is_some_and(|pending| pending.truncated)
    }
}

impl Carrier {
    /// Runs one round. After an error everything is rolled back and another round may be tried; see
    /// [`Carrier::repeats_after`].
    pub fn round(&mut self, watcher: &mut dyn Watcher) -> Result<Outcome> {
        let outcome = self.try_round(watcher).and_then(|outcome| {
            if !self.parts.rehearses {
                let Sessions { names, sources, targets, .. } = &mut self.parts.sessions;
                self.parts.sequences.carry(names, sources, targets)?;
            }
            Ok(outcome)
        });
        match &outcome {
            Ok(_) => self.retry.reset(),
            Err(_) => self.abandon(),
        }
        match outcome {
            Err(error) if self.comes_of_old_plans(&error) => Ok(Outcome::Outdated),
            outcome => outcome,
        }
    }

    /// Whether a round that failed so is worth running again at once: when it collided with another
    /// transaction or waited too long for a lock, when an application's row came in between on a
    /// master, or when a part of a backlog broke a constraint that the whole of it may well keep,
    /// as rows can exchange unique values across the cut.
    pub fn repeats_after(&mut self, error: &Error) -> bool {
        let contested = self.parts.sessions.is_contested();
        self.retry.repeats_after(error.kind(), contested, self.cut)
    }

    fn try_round(&mut self, watcher: &mut dyn Watcher) -> Result<Outcome> {
        self.await_tables()?;
        self.parts.sessions.sources.values_mut().for_each(|source| source.begin());
        watcher.at(Step::BeforeCheckRows, None)?;
        self.working.clear();
        let early = self.begin_early()?;
        let looks = self.parts.sessions.looks()?;
        watcher.at(Step::Looked, None)?;
        if looks.iter().any(|look| look.outdated) {
            self.leave(early)?;
            return Ok(Outcome::Outdated);
        }
        let mut tables = self.changed(&looks);
        if self.filled_have_news(&tables) {
            self.leave(early)?;
            return self.round_among_filled(watcher);
        }
        if tables.is_empty() {
            self.leave(early)?;
            return Ok(Outcome::Nothing { running: self.parts.sessions.running(looks) });
        }
        if self.parts.sessions.is_contested() {
            tables.values_mut().for_each(|lanes| self.parts.sessions.add_lanes_of_same_source(lanes));
        }
        let (round, counts) = self.carry(looks, &tables, early, watcher)?;
        if self.parts.rehearses {
            self.try_abandon()?;
            return Ok(Outcome::Rehearsed(counts));
        }
        self.finish(&round, &tables, watcher)?;
        Ok(Outcome::Carried { counts, all: !self.cut })
    }

    /// Takes locks before the snapshot is taken, if need be: after a collision, whatever came
    /// between looking and writing cannot come now; and what applications write at a master that is
    /// about to be copied over must be known before, or wait until after.
    fn begin_early(&mut self) -> Result<bool> {
        let copies = self.parts.sessions.is_contested() && self.parts.tables.iter().any(|table| table.copy);
        if !self.retry.lock_first && !copies {
            return Ok(false);
        }
        self.begin_targets(&self.parts.tables.ids().collect::<Vec<_>>())?;
        for table in self.parts.tables.ids().filter(|_| copies) {
            self.parts.tables[table].copy &= !self.parts.tables[table].only_empty || self.is_empty_at_receivers(table)?;
        }
        Ok(true)
    }

    fn is_empty_at_receivers(&mut self, table: TableId) -> Result<bool> {
        let mut empty = true;
        for lane in self.parts.sessions.lanes.iter().filter(|lane| self.parts.copies.take(lane)) {
            empty &= self.parts.sessions.targets[lane.to].is_empty(&lane.plans[table])?;
        }
        Ok(empty)
    }

    /// The tables with something to carry, and on which lanes.
    fn changed(&self, looks: &ById<LaneId, Look>) -> BTreeMap<TableId, Vec<LaneId>> {
        let mut tables: BTreeMap<TableId, Vec<LaneId>> = BTreeMap::new();
        for (lane, look) in looks.pairs() {
            look.changed.iter().for_each(|table| tables.entry(*table).or_default().push(lane));
        }
        for (table, _) in self.parts.tables.pairs().filter(|(_, table)| table.copy) {
            tables.entry(table).or_default();
        }
        tables
    }

    fn carry(
        &mut self,
        looks: ById<LaneId, Look>,
        tables: &BTreeMap<TableId, Vec<LaneId>>,
        early: bool,
        watcher: &mut dyn Watcher,
    ) -> Result<(Round, Counts)> {
        let mut round = self.measure(looks, tables)?;
        self.parts.rank_masters(&round)?;
        let all: Vec<TableId> = tables.keys().copied().collect();
        self.working.clone_from(&all);
        let only = all
            .first()
            .filter(|_| all.len() == 1)
            .and_then(|table| Some(&self.parts.sessions.lanes.first()?.plans[*table].source));
        watcher.at(Step::BeforeTriggerDrop, only)?;
        if !early {
            self.begin_targets(&all)?;
        }
        watcher.at(Step::AfterTriggerDrop, None)?;
        let copied: Vec<TableId> = all.iter().copied().filter(|table| self.parts.tables[*table].copy).collect();
        self.parts.copies.check(&copied, &mut self.parts.sessions)?;
        self.choose_parallel_copies(&copied)?;
        self.lock_rest(&all)?;
        let mut counts = self.parallel.copy(self.parts.connections.as_ref(), &mut self.parts.sessions, watcher)?;
        for (table, lanes) in tables.iter().filter(|(table, _)| !self.parallel.has(**table)).collect::<Vec<_>>() {
            counts += match self.parts.tables[*table].copy || round.bypassed.contains(table) {
                true => self.copy_table(*table, lanes, &mut round, watcher),
                false => self.carry_table(*table, lanes, &mut round, watcher),
            }
            .map_err(|error| self.about(*table, error))?;
        }
        Ok((round, counts))
    }

    /// An error with the table's name, wherever it came up.
    fn about(&self, table: TableId, error: Error) -> Error {
        let label = self.parts.sessions.lanes.first().map(|lane| lane.plans[table].source.label()).unwrap_or_default();
        if error.to_string().contains(&label) { error } else { error.context(format!("table {label}")) }
    }

    /// What is pending, and where to cut it. Among masters nothing is cut: what one of them sends
    /// may depend on what it got.
    fn measure(&mut self, looks: ById<LaneId, Look>, tables: &BTreeMap<TableId, Vec<LaneId>>) -> Result<Round> {
        let mut pending = BTreeMap::new();
        for (table, lanes) in tables {
            for lane in lanes {
                let after = self.parts.sessions.taken_after(*lane);
                let Lane { from, plans, .. } = &self.parts.sessions.lanes[*lane];
                let measured =
                    self.parts.sessions.sources[*from].measure(&plans[*table], after.as_ref(), self.parts.batch + 1)?;
                pending.insert((*lane, *table), measured);
            }
        }
        let bypassed = self.bypassed(&pending)?;
        let one = self.parts.sessions.lanes.len() == 1 && self.parts.tables.iter().all(|table| !table.copy);
        let batch = if self.retry.unbatched || !one || self.parts.rehearses { i64::MAX } else { self.parts.batch };
        let carried = |of: LaneId, table: TableId, lane: LaneId| of == lane && !bypassed.contains(&table);
        let of_lane = |lane: LaneId| {
            pending.iter().filter(|((of, table), _)| carried(*of, *table, lane)).map(|(_, p)| *p).collect::<Vec<_>>()
        };
        let spans: ById<LaneId, Span> = looks
            .pairs()
            .map(|(lane, look)| {
                let (taken, receipt) = (self.parts.sessions.taken_after(lane), &self.parts.sessions.lanes[lane].receipt);
                let had = receipt.clone().filter(|_| taken != *receipt);
                Span { had, ..span(taken, &look.now, &of_lane(lane), batch) }
            })
            .collect();
        self.cut = spans.iter().any(|span| span.cut.is_some());
        Ok(Round { looks, spans, pending, bypassed, ..Round::default() })
    }

    /// With one source, a table that changed too much is copied as a whole; but not one whose rows
    /// take others along when they are deleted. Where a batch holds less than that, its changes are
    /// counted on.
    fn bypassed(&mut self, pending: &BTreeMap<(LaneId, TableId), Pending>) -> Result<BTreeSet<TableId>> {
        let mut found = BTreeSet::new();
        for ((lane, table), measured) in pending {
            let Lane { from, plans, receipt, .. } = &self.parts.sessions.lanes[*lane];
            let may = !self.parts.sessions.is_contested() && plans[*table].dependents().is_empty();
            let Some(bypass) = self.parts.tables[*table].bypass.filter(|_| may) else { continue };
            let threshold = bypass.threshold(plans[*table].rows);
            let changes = match measured.changes > self.parts.batch && threshold > measured.changes {
                true => self.parts.sessions.sources[*from].measure(&plans[*table], receipt.as_ref(), threshold)?.changes,
                false => measured.changes,
            };
            found.extend((changes >= threshold).then_some(*table));
        }
        Ok(found)
    }

    /// Ends a round that carries nothing.
    fn leave(&mut self, early: bool) -> Result<()> {
        self.parts.sessions.commit_sources()?;
        if early { self.parts.sessions.targets.values_mut().try_for_each(|target| target.rollback()) } else { Ok(()) }
    }

    /// The sources commit first: what they noted of late keys must be there before anybody's
    /// receipt says that the rest has arrived.
    fn finish(&mut self, round: &Round, tables: &BTreeMap<TableId, Vec<LaneId>>, watcher: &mut dyn Watcher) -> Result<()> {
        self.check_receivers()?;
        round.late.note_again(&mut self.parts.sessions)?;
        self.parts.sessions.wake_others(&self.parts.sync, round)?;
        watcher.at(Step::BeforeTriggerEnable, None)?;
        watcher.at(Step::AfterTriggerEnable, None)?;
        self.parts.record_conflicts(&round.conflicts, watcher)?;
        self.parts.note_rates(round, watcher)?;
        self.finish_sources(round, tables)?;
        watcher.at(Step::SourcesCommitted, None)?;
        self.parallel.commit(watcher)?;
        self.commit_targets(round, watcher)?;
        self.close_gaps(round, watcher)?;
        self.parts.complete_rates(watcher)?;
        self.parts.tables.iter_mut().for_each(|table| table.copy = false);
        self.parts.copies.done();
        watcher.at(Step::Committed, None)
    }

    fn finish_sources(&mut self, round: &Round, tables: &BTreeMap<TableId, Vec<LaneId>>) -> Result<()> {
        let Sessions { sources, lanes, .. } = &mut self.parts.sessions;
        for (number, source) in sources.iter_mut() {
            let lanes = || lanes.iter().zip(round.looks.iter()).filter(|(lane, _)| lane.from == *number);
            let read: Vec<&Plan> = lanes().take(1).flat_map(|(lane, _)| tables.keys().map(|table| &lane.plans[*table])).collect();
            source.finish(&read, &lanes().map(|(_, look)| look).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    fn commit_targets(&mut self, round: &Round, watcher: &mut dyn Watcher) -> Result<()> {
        let receipts: Vec<Snapshot> =
            round.spans.iter().zip(round.looks.iter()).map(|(span, look)| span.receipt(&look.now)).collect();
        // A receiver that falls back by a few rounds gets them again, from one source. What masters
        // decided rests on what each of them has.
        let durable = self.parts.sessions.is_contested() || self.parts.tables.iter().any(|table| table.copy);
        let copied = self.parts.copies.asked.is_some() && self.parts.tables.iter().all(|table| table.copy && !table.only_empty);
        let Parts { sync, copies, sessions: Sessions { names, sources, targets, lanes }, .. } = &mut self.parts;
        for (number, target) in targets.iter_mut() {
            let mine = lanes.iter().zip(round.looks.iter()).zip(&receipts).filter(|((lane, _), _)| lane.to == *number);
            let written: Vec<Written> = mine
                .map(|((lane, look), receipt)| Written {
                    source: &names[lane.from],
                    receipt: receipt.clone(),
                    mark: sources[lane.from].mark(&names[lane.to], look),
                })
                .collect();
            copies.note(sync, *number, target)?;
            target.commit(sync, &written, durable)?;
            for (lane, receipt) in lanes.iter_mut().zip(&receipts).filter(|(lane, _)| lane.to == *number) {
                lane.receipt = Some(receipt.clone());
                lane.noted = false;
                lane.copied |= copied;
            }
            copies.committed(*number);
            watcher.at(Step::ReceiverCommitted, None)?;
        }
        Ok(())
    }

    /// Rolls back everywhere, as far as it is there, and reads the receipts again: somebody else
    /// may have moved them.
    fn abandon(&mut self) {
        // A connection that is gone shows itself again, with its reason, at the next use.
        let _ = self.try_abandon();
    }

    fn try_abandon(&mut self) -> Result<()> {
        self.parallel.roll_back();
        self.parts.sessions.roll_back(&self.parts.sync)
    }

    /// Looks whether there is anything to do, and which transactions are running on each source.
    pub fn peek(&mut self) -> Result<(bool, BTreeMap<MemberId, Vec<i64>>)> {
        self.parts.sessions.sources.values_mut().for_each(|source| source.begin());
        let looks = self.parts.sessions.looks()?;
        self.parts.sessions.commit_sources()?;
        Ok((looks.iter().any(|look| look.outdated || !look.changed.is_empty()), self.parts.sessions.running(looks)))
    }
}
