//! How long changes took (`track_rates`): for each transaction and table that a round carried, a
//! row of `bucardo_rate` in the control database, with the time of the change and, by the same
//! clock, the time when the receiver had it.
//!
//! The rows are written before the commits, while the source's snapshot is there to count by, and
//! completed afterwards. What a death in between left incomplete is removed by the next round.

use super::{Lane, Parts, Round};
use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::plan::Plan;
use crate::replicate::round::step::Watcher;
use crate::replicate::session::relay;

impl Parts {
    /// Writes the rows, incomplete.
    pub(super) fn note_rates(&mut self, round: &Round, watcher: &mut dyn Watcher) -> Result<()> {
        let Some(control) = watcher.control().filter(|_| self.rates) else { return Ok(()) };
        control.within("begin", |control| {
            for lane in self.sessions.lanes.iter() {
                let left = "delete from bucardo.bucardo_rate where sync = $1 and target = $2 and slavecommit is null";
                control.execute(left, &[&self.sync, &self.sessions.names[lane.to]])?;
            }
            for (lane, table) in round.pending.keys().filter(|(_, table)| !self.tables[*table].copy) {
                let Lane { from, plans, .. } = &self.sessions.lanes[*lane];
                let source = &mut self.sessions.sources[*from].conn;
                let query = plans[*table].rates(&round.spans[*lane]);
                relay::copy(source, &query, control, Plan::RATES, "UTF8", &mut |_| Ok(()))?;
            }
            Ok(())
        })
    }

    /// Completes them, when everybody has committed.
    pub(super) fn complete_rates(&mut self, watcher: &mut dyn Watcher) -> Result<()> {
        let Some(control) = watcher.control().filter(|_| self.rates) else { return Ok(()) };
        for lane in self.sessions.lanes.iter() {
            let now = clock(&mut self.sessions.sources[lane.from].conn)?;
            let complete = "update bucardo.bucardo_rate set slavecommit = $3::text::timestamptz \
                where sync = $1 and target = $2 and slavecommit is null";
            control.execute(complete, &[&self.sync, &self.sessions.names[lane.to], &now])?;
        }
        Ok(())
    }
}

fn clock(source: &mut Connection) -> Result<String> {
    Ok(source.query_one("select clock_timestamp()::text", &[])?.get(0))
}
