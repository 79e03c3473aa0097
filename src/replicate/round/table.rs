//! Carrying one table: empty it where it was truncated, ship what is pending on each lane, apply it
//! at each receiver.

use super::{Carrier, Round, at};
use crate::control::queue::Counts;
use crate::error::Result;
use crate::replicate::copy::workers::fill_whole;
use crate::replicate::round::step::{Step, Watcher};
use crate::replicate::session::relay;
use crate::replicate::session::source::hold_as_planned;

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
            at(&mut self.parts.targets, self.parts.lanes[*lane].to)?.stage(&self.parts.lanes[*lane].plans[table])?;
        }
        let lost = self.resolve_conflicts(table, lanes, round)?;
        watcher.at(Step::Met, None)?;
        self.ship(table, lanes, lost, round, watcher)?;
        for lane in lanes {
            counts += self.empty(table, *lane, round)?;
        }
        counts += self.apply(table, lanes, round, watcher)?;
        self.record_once(table, round)?;
        Ok(counts)
    }

    /// Copies a table as a whole from the first member to all others, except those that have the
    /// copy; these get what changed since.
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
        for lane in self.parts.lanes.iter().filter(|lane| lane.copies(&self.parts.filled)) {
            let plan = &lane.plans[table];
            watcher.at(Step::Ship, Some(&plan.source))?;
            watcher.expects(plan.rows.max(0.0) as u64);
            let (source, target) = (at(&mut self.parts.sources, 0)?, at(&mut self.parts.targets, lane.to)?);
            hold_as_planned(&mut source.conn, plan)?;
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

    /// Sources note once more what came too late at a receiver and was not decided there, so that
    /// it meets in the next round.
    pub(super) fn note_late(&mut self, round: &Round) -> Result<()> {
        for lane in &self.parts.lanes {
            for (_, table) in round.late.iter().filter(|(receiver, _)| *receiver == lane.to) {
                let (source, target) = (at(&mut self.parts.sources, lane.from)?, at(&mut self.parts.targets, lane.to)?);
                let (query, fill) = (lane.plans[*table].late_query(), lane.plans[*table].fill_delta());
                relay::copy(&mut target.conn, &query, &mut source.conn, &fill, &lane.encoding, &mut |_| Ok(()))?;
            }
        }
        Ok(())
    }

    /// Wakes the syncs for which something was noted.
    pub(super) fn wake_others(&mut self, round: &Round) -> Result<()> {
        for receiver in &round.noted {
            at(&mut self.parts.targets, *receiver)?.wake_others(&self.parts.sync)?;
        }
        Ok(())
    }
}
