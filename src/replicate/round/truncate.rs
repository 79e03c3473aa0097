//! TRUNCATE on a source: emptying the receivers, but for what the truncating master did not know
//! ([`crate::replicate::plan`], truncate).

use super::{Carrier, Lane, Round, at};
use crate::control::queue::Counts;
use crate::error::Result;
use crate::replicate::session::relay;
use crate::replicate::snapshot::Span;

impl Carrier {
    /// Empties the receiver of a lane if its source was emptied.
    pub(super) fn empty(&mut self, table: usize, lane: usize, round: &mut Round) -> Result<Counts> {
        let Lane { from, to, .. } = self.parts.lanes[lane];
        if !round.is_truncated(lane, table) {
            return Ok(Counts::default());
        }
        let own = self.taken_from(to, round);
        let plan = &self.parts.lanes[lane].plans[table];
        if own.is_some() {
            let (source, target) = (at(&mut self.parts.sources, from)?, at(&mut self.parts.targets, to)?);
            target.preserve(plan)?;
            let fill = plan.fill_preserved();
            relay::copy(&mut source.conn, &plan.present_keys(), &mut target.conn, &fill, "UTF8", &mut |_| Ok(()))?;
        }
        let counts = at(&mut self.parts.targets, to)?.empty(plan, own)?;
        if plan.makes_delta() {
            round.noted.insert(to);
        }
        Ok(counts)
    }

    /// The span of the changes that the round takes from a member; none if it is no source.
    pub(super) fn taken_from<'r>(&self, member: usize, round: &'r Round) -> Option<&'r Span> {
        let lane = self.parts.lanes.iter().position(|lane| lane.from == member)?;
        round.spans.get(lane)
    }

    /// Drops changes that are sent once more, after a round that died, and that a master had got
    /// before it emptied its table: they go on the list of lost ones at their source, and their
    /// rows are deleted there. Says whether there were any such masters.
    pub(super) fn drop_emptied(&mut self, table: usize, lanes: &[usize], round: &Round) -> Result<bool> {
        let mut found = false;
        for back in lanes.iter().filter(|lane| round.spans[**lane].had.is_some()) {
            let Lane { from: sender, to: truncating, .. } = self.parts.lanes[*back];
            let there = |lane: &&usize| self.parts.lanes[**lane].from == truncating && self.parts.lanes[**lane].to == sender;
            let Some(there) = lanes.iter().find(there).copied() else { continue };
            if round.is_truncated(there, table) && self.lacks_truncate(table, there, round)? {
                self.drop_known(table, *back, there, round)?;
                found = true;
            }
        }
        Ok(found)
    }

    fn lacks_truncate(&mut self, table: usize, lane: usize, round: &Round) -> Result<bool> {
        let Lane { from, plans, .. } = &self.parts.lanes[lane];
        let lacking = round.spans[lane].lacking().after;
        Ok(at(&mut self.parts.sources, *from)?.measure(&plans[table], lacking.as_ref(), 1)?.truncated)
    }

    /// What the master at the end of lane `back` knew of its sender's changes, and has no more:
    /// lane `there` leads to the sender.
    fn drop_known(&mut self, table: usize, back: usize, there: usize, round: &Round) -> Result<()> {
        let Lane { from: sender, to: truncating, .. } = self.parts.lanes[back];
        let (known, dead) = (&self.parts.lanes[back].plans[table], &self.parts.lanes[there].plans[table]);
        let mut quietly = |_| Ok(());
        let mut sources = super::abreast::each_of(&mut self.parts.sources);
        let (source, other) = (super::abreast::take(&mut sources, sender)?, super::abreast::take(&mut sources, truncating)?);
        let target = at(&mut self.parts.targets, sender)?;
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
