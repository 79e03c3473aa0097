//! Carrying one table: empty it where it was truncated, ship what is pending on each lane, apply it at each receiver.

use super::{Carrier, Lane, Round, at};
use crate::error::Result;
use crate::replicate::hands::fill_whole;
use crate::replicate::relay;
use crate::replicate::snapshot::Span;
use crate::replicate::step::{Step, Watcher};
use crate::replicate::target::Counts;

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
        self.ship(table, lanes, met, round, watcher)?;
        self.hear(table, lanes, round)?;
        for lane in lanes {
            counts += self.empty(table, *lane, round)?;
        }
        counts += self.apply(table, lanes, round, watcher)?;
        self.cast_out(table, lanes, round)?;
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
    pub(super) fn unknown_to_source(&self, lane: usize) -> Option<Span> {
        let (from, to) = (self.lanes[lane].from, self.lanes[lane].to);
        let back = self.lanes.iter().find(|other| other.from == to && other.to == from)?;
        Some(Span { after: back.receipt.clone(), cut: None })
    }

    /// Copies a table as a whole from the first member to all others, except those that have the copy; these get what changed since.
    pub(super) fn copy_table(
        &mut self,
        table: usize,
        lanes: &[usize],
        round: &mut Round,
        watcher: &mut dyn Watcher,
    ) -> Result<Counts> {
        let kept = self.to_filled(lanes);
        let mut counts = match kept.is_empty() {
            true => Counts::default(),
            false => self.carry_table(table, &kept, round, watcher)?,
        };
        for lane in self.lanes.iter().filter(|lane| lane.copies(&self.filled)) {
            let plan = &lane.plans[table];
            watcher.at(Step::Ship, Some(&plan.source))?;
            watcher.expects(plan.rows.max(0.0) as u64);
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

    /// Sources note once more what came too late at a receiver, so that it meets there in the next round; and what fell there and elsewhere because
    /// of a row that does not stay there.
    pub(super) fn note_late(&mut self, round: &Round) -> Result<()> {
        for lane in &self.lanes {
            let of_lane = |at: &&(usize, usize)| at.0 == lane.to;
            let late = round.late.iter().filter(of_lane).map(|(_, table)| (*table, lane.plans[*table].late_query()));
            let fell = round.displaced.iter().filter(of_lane).map(|(_, table)| (*table, lane.plans[*table].displaced_query()));
            for (table, query) in late.chain(fell) {
                let (source, target) = (at(&mut self.sources, lane.from)?, at(&mut self.targets, lane.to)?);
                let fill = lane.plans[table].fill_delta();
                relay::copy(&mut target.conn, &query, &mut source.conn, &fill, &lane.encoding, &mut |_| Ok(()))?;
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
