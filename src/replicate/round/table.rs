//! Carrying one table: empty it where it was truncated, ship what is pending on each lane, apply it
//! at each receiver.

use super::late_changes::LateRules;
use super::{Carrier, Parts, Round, Sessions};
use crate::control::queue::Counts;
use crate::error::Result;
use crate::replicate::copy::workers::fill_whole;
use crate::replicate::ids::{LaneId, MemberId, TableId};
use crate::replicate::round::step::{Step, Watcher};
use crate::replicate::session::source::hold_as_planned;

impl Carrier {
    pub(super) fn carry_table(
        &mut self,
        table: TableId,
        lanes: &[LaneId],
        round: &mut Round,
        watcher: &mut dyn Watcher,
    ) -> Result<Counts> {
        let mut counts = Counts::default();
        for lane in lanes {
            let Sessions { lanes, targets, .. } = &mut self.parts.sessions;
            targets[lanes[*lane].to].stage(&lanes[*lane].plans[table])?;
        }
        let lost = self.parts.resolve_conflicts(table, lanes, round)?;
        watcher.at(Step::Met, None)?;
        self.parts.sessions.ship(table, lanes, lost, round, watcher)?;
        for lane in lanes {
            counts += self.parts.sessions.empty(table, *lane, round)?;
        }
        let rules = LateRules {
            strategy: self.parts.tables[table].strategy,
            insists: self.retry.lock_first,
            detailed: self.parts.details,
        };
        counts += self.parts.sessions.apply(table, lanes, rules, round, watcher)?;
        self.parts.sessions.record_once(table, &round.conflicts)?;
        Ok(counts)
    }

    /// Copies a table as a whole from the first member to all others, except those that have the
    /// copy; these get what changed since.
    pub(super) fn copy_table(
        &mut self,
        table: TableId,
        lanes: &[LaneId],
        round: &mut Round,
        watcher: &mut dyn Watcher,
    ) -> Result<Counts> {
        let kept = self.parts.copies.to_filled(lanes, &self.parts.sessions);
        let mut counts = match kept.is_empty() {
            true => Counts::default(),
            false => self.carry_table(table, &kept, round, watcher)?,
        };
        let Parts { copies, sessions: Sessions { lanes, sources, targets, .. }, .. } = &mut self.parts;
        for lane in lanes.iter().filter(|lane| copies.take(lane)) {
            let plan = &lane.plans[table];
            watcher.at(Step::Ship, Some(&plan.source))?;
            watcher.expects(plan.rows.max(0.0) as u64);
            let (source, target) = (&mut sources[MemberId::FIRST], &mut targets[lane.to]);
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
}

impl Sessions {
    /// Wakes the syncs for which something was noted.
    pub(super) fn wake_others(&mut self, sync: &str, round: &Round) -> Result<()> {
        for receiver in &round.noted {
            self.targets[*receiver].wake_others(sync)?;
        }
        Ok(())
    }
}
