//! TRUNCATE on a source: emptying the receivers, but for what the truncating master did not know
//! ([`crate::replicate::plan`], truncate).

use super::abreast::{each_of, take};
use super::{Lane, Round, Sessions};
use crate::control::queue::Counts;
use crate::error::Result;
use crate::replicate::ids::{LaneId, TableId};
use crate::replicate::session::relay;

impl Sessions {
    /// Empties the receiver of a lane if its source was emptied.
    pub(super) fn empty(&mut self, table: TableId, lane: LaneId, round: &mut Round) -> Result<Counts> {
        let Lane { from, to, .. } = self.lanes[lane];
        if !round.is_truncated(lane, table) {
            return Ok(Counts::default());
        }
        let own = self.taken_from(to, round);
        let plan = &self.lanes[lane].plans[table];
        if own.is_some() {
            let (source, target) = (&mut self.sources[from], &mut self.targets[to]);
            target.preserve(plan)?;
            let fill = plan.fill_preserved();
            relay::copy(&mut source.conn, &plan.present_keys(), &mut target.conn, &fill, "UTF8", &mut |_| Ok(()))?;
        }
        let counts = self.targets[to].empty(plan, own)?;
        if plan.makes_delta() {
            round.noted.insert(to);
        }
        Ok(counts)
    }

    /// Drops changes that are sent once more, after a round that died, and that a master had got
    /// before it emptied its table: they go on the list of lost ones at their source, and their
    /// rows are deleted there. Says whether there were any such masters.
    pub(super) fn drop_emptied(&mut self, table: TableId, lanes: &[LaneId], round: &Round) -> Result<bool> {
        let mut found = false;
        for back in lanes.iter().filter(|lane| round.spans[**lane].had.is_some()) {
            let Lane { from: sender, to: truncating, .. } = self.lanes[*back];
            let there = |lane: &&LaneId| self.lanes[**lane].from == truncating && self.lanes[**lane].to == sender;
            let Some(there) = lanes.iter().find(there).copied() else { continue };
            if round.is_truncated(there, table) && self.lacks_truncate(table, there, round)? {
                self.drop_known(table, *back, there, round)?;
                found = true;
            }
        }
        Ok(found)
    }

    fn lacks_truncate(&mut self, table: TableId, lane: LaneId, round: &Round) -> Result<bool> {
        let Lane { from, plans, .. } = &self.lanes[lane];
        let lacking = round.spans[lane].lacking().after;
        Ok(self.sources[*from].measure(&plans[table], lacking.as_ref(), 1)?.truncated)
    }

    /// What the master at the end of lane `back` knew of its sender's changes, and has no more:
    /// lane `there` leads to the sender.
    fn drop_known(&mut self, table: TableId, back: LaneId, there: LaneId, round: &Round) -> Result<()> {
        let Lane { from: sender, to: truncating, .. } = self.lanes[back];
        let (known, dead) = (&self.lanes[back].plans[table], &self.lanes[there].plans[table]);
        let mut quietly = |_| Ok(());
        let mut sources = each_of(&mut self.sources);
        let (source, other) = (take(&mut sources, sender)?, take(&mut sources, truncating)?);
        let target = &mut self.targets[sender];
        other.asked(dead)?;
        source.lost(known)?;
        target.stage(dead)?;
        let keys = known.known_keys(&round.spans[back]);
        relay::copy(&mut source.conn, &keys, &mut other.conn, &dead.fill_asked(), "UTF8", &mut quietly)?;
        relay::copy(&mut other.conn, &dead.absent_keys(), &mut source.conn, &known.fill_lost(), "UTF8", &mut quietly)?;
        relay::copy(&mut other.conn, &dead.absent_rows(), &mut target.conn, &dead.fill_dead(), "UTF8", &mut quietly)?;
        source.conn.batch(&known.settle_lost(&round.spans[back]))
    }
}
