//! Carrying one table: empty it where it was truncated, ship what is pending on each lane, apply it at each receiver.

use super::{Carrier, Lane, Round, at};
use crate::error::Result;
use crate::replicate::hands::fill_whole;
use crate::replicate::plan::Plan;
use crate::replicate::relay;
use crate::replicate::snapshot::Span;
use crate::replicate::source::Pending;
use crate::replicate::step::{Step, Watcher};
use crate::replicate::target::{Beside, Counts, Late};
use std::collections::BTreeMap;

impl Carrier {
    pub(super) fn carry_table(
        &mut self,
        table: usize,
        lanes: &[usize],
        round: &mut Round,
        watcher: &mut dyn Watcher,
    ) -> Result<Counts> {
        let mut counts = Counts::default();
        for lane in lanes {
            at(&mut self.targets, self.lanes[*lane].to)?.stage(&self.lanes[*lane].plans[table])?;
        }
        let met = self.meet(table, lanes, round)?;
        watcher.at(Step::Met, None)?;
        for lane in lanes {
            self.ship(table, *lane, met, round, watcher)?;
        }
        for lane in lanes {
            counts += self.empty(table, *lane, round)?;
        }
        // One lane to each receiver will do: its plan writes the whole stage.
        let receivers: BTreeMap<usize, usize> = lanes.iter().map(|lane| (self.lanes[*lane].to, *lane)).collect();
        for lane in receivers.into_values() {
            counts += self.apply(table, lane, round, watcher)?;
        }
        Ok(counts)
    }

    /// Empties the receiver if the source was emptied.
    fn empty(&mut self, table: usize, lane: usize, round: &mut Round) -> Result<Counts> {
        let (from, to) = (self.lanes[lane].from, self.lanes[lane].to);
        if !round.pending.get(&(lane, table)).is_some_and(|pending| pending.truncated) {
            return Ok(Counts::default());
        }
        let unknown = self.unknown_to_source(lane);
        if unknown.is_some() {
            at(&mut self.targets, to)?.spare(&self.lanes[lane].plans[table])?;
            self.spare(table, lane, from, self.lanes[lane].plans[table].present_keys())?;
            self.spare_unknown_of_others(table, lane)?;
        }
        let plan = &self.lanes[lane].plans[table];
        if plan.makes_delta() {
            round.noted.insert(to);
        }
        at(&mut self.targets, to)?.empty(plan, unknown.as_ref())
    }

    /// What other masters changed and the lane's source lacks may be at the receiver already.
    fn spare_unknown_of_others(&mut self, table: usize, lane: usize) -> Result<()> {
        let (from, to) = (self.lanes[lane].from, self.lanes[lane].to);
        let others = self.lanes.iter().filter(|other| other.to == from && other.from != to);
        let lacking = |other: &Lane| {
            let span = Span { after: other.receipt.clone(), cut: None };
            (other.from, other.plans[table].pending_keys(&span))
        };
        let queries: Vec<(usize, String)> = others.map(lacking).collect();
        queries.into_iter().try_for_each(|(master, query)| self.spare(table, lane, master, query))
    }

    fn spare(&mut self, table: usize, lane: usize, master: usize, query: String) -> Result<()> {
        let Lane { to, plans, .. } = &self.lanes[lane];
        let (source, target) = (at(&mut self.sources, master)?, at(&mut self.targets, *to)?);
        relay::copy(&mut source.conn, &query, &mut target.conn, &plans[table].fill_spared(), "UTF8", &mut |_| Ok(()))?;
        Ok(())
    }

    /// The span of the changes that a lane's receiver made as a source and its source lacks; none if the receiver is no source.
    fn unknown_to_source(&self, lane: usize) -> Option<Span> {
        let (from, to) = (self.lanes[lane].from, self.lanes[lane].to);
        let back = self.lanes.iter().find(|other| other.from == to && other.to == from)?;
        Some(Span { after: back.receipt.clone(), cut: None })
    }

    fn ship(&mut self, table: usize, lane: usize, met: bool, round: &Round, watcher: &mut dyn Watcher) -> Result<()> {
        let lane_of = &self.lanes[lane];
        let plan = &lane_of.plans[table];
        watcher.at(Step::Ship, Some(&plan.source))?;
        let source = at(&mut self.sources, lane_of.from)?;
        let target = at(&mut self.targets, lane_of.to)?;
        source.prefer_index(round.pending.get(&(lane, table)).is_some_and(|pending| few(*pending, plan)))?;
        let query = plan.ship(&round.spans[lane], met);
        let mut tick = |rows| watcher.moved(rows);
        relay::copy(&mut source.conn, &query, &mut target.conn, &plan.fill_stage(), &lane_of.encoding, &mut tick)
            .map_err(|error| error.context(format!("table {}", plan.source.label())))?;
        Ok(())
    }

    fn apply(&mut self, table: usize, lane: usize, round: &mut Round, watcher: &mut dyn Watcher) -> Result<Counts> {
        let to = self.lanes[lane].to;
        let unknown = self.unknown_to_source(lane).unwrap_or_default();
        let plan = &self.lanes[lane].plans[table];
        watcher.at(Step::Apply, Some(&plan.source))?;
        let target = at(&mut self.targets, to)?;
        let as_source = self.lanes.iter().position(|other| other.from == to);
        let applied = match as_source.filter(|_| plan.feed().is_some()) {
            Some(own) => {
                let (now, strategy) = (&round.looks[own].now, self.tables[table].strategy);
                let own = i32::try_from(to).unwrap_or_default();
                target.apply_beside(plan, &Beside { now, strategy, own, unknown: &unknown })
            }
            None => target.apply(plan).map(|counts| (counts, Late::default())),
        };
        let (counts, late) = applied.map_err(|error| error.context(format!("table {}", plan.target.label())))?;
        if late.left {
            round.late.insert((to, table));
        }
        if plan.has_rivals() {
            round.rivals.insert((lane, table));
        }
        if late.judged {
            round.judged.insert((lane, table));
        }
        let noted = plan.note_applied().map_or(Ok(0), |note| target.conn.execute(&note, &[]))?;
        if noted > 0 {
            round.noted.insert(to);
        }
        watcher.at(Step::AfterTableSync, Some(&plan.source))?;
        Ok(counts)
    }

    /// Copies a table as a whole from the first member to all others.
    pub(super) fn copy_table(&mut self, table: usize, round: &mut Round, watcher: &mut dyn Watcher) -> Result<Counts> {
        let mut counts = Counts::default();
        for lane in self.lanes.iter().filter(|lane| lane.from == 0) {
            let plan = &lane.plans[table];
            watcher.at(Step::Ship, Some(&plan.source))?;
            let (source, target) = (at(&mut self.sources, 0)?, at(&mut self.targets, lane.to)?);
            counts += target.make_room(plan)?;
            counts += fill_whole(&mut source.conn, target, plan, &lane.encoding, &mut |rows| watcher.moved(rows))?;
            if let Some(note) = plan.note_whole() {
                target.conn.batch(&note)?;
                round.noted.insert(lane.to);
            }
            watcher.at(Step::AfterTableSync, Some(&plan.source))?;
        }
        Ok(counts)
    }

    /// Sources note once more what came too late at a receiver, so that it meets there in the next round.
    pub(super) fn note_late(&mut self, round: &Round) -> Result<()> {
        for lane in &self.lanes {
            for (_, table) in round.late.iter().filter(|(to, _)| *to == lane.to) {
                let plan = &lane.plans[*table];
                let (source, target) = (at(&mut self.sources, lane.from)?, at(&mut self.targets, lane.to)?);
                let encoding = &lane.encoding;
                relay::copy(&mut target.conn, &plan.late_query(), &mut source.conn, &plan.fill_delta(), encoding, &mut |_| {
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// Wakes the syncs for which something was noted.
    pub(super) fn wake_others(&mut self, round: &Round) -> Result<()> {
        for receiver in &round.noted {
            at(&mut self.targets, *receiver)?.wake_others(&self.sync)?;
        }
        Ok(())
    }
}

/// Few enough keys, beside the rows of the table, to fetch each through the index.
fn few(pending: Pending, plan: &Plan) -> bool {
    pending.changes < 1000 || (pending.changes as f32) * 20.0 < plan.rows
}
