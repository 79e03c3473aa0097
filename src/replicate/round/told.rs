//! What masters tell one another within a round about rows that claim the same: which changes they know, before it is decided, and what has lost,
//! afterwards.

use super::abreast::{each_of, take};
use super::{Carrier, Lane, Round, at};
use crate::error::Result;
use crate::replicate::relay;
use crate::replicate::snapshot::Span;
use std::collections::BTreeSet;

impl Carrier {
    /// For each other master, the span of the changes of this one that it lacks.
    pub(super) fn unknown_to_others(&self, own: usize) -> Vec<(i32, Span)> {
        let lanes = self.lanes.iter().enumerate().filter(|(_, lane)| lane.to == own);
        let unknown = lanes.filter_map(|(number, lane)| Some((lane.from as i32, self.unknown_to_source(number)?)));
        unknown.collect()
    }

    /// Where one master is ahead of another, those that send tell which of their changes it knows.
    pub(super) fn hear(&mut self, table: usize, lanes: &[usize], round: &mut Round) -> Result<()> {
        let receivers: BTreeSet<usize> = lanes.iter().map(|lane| self.lanes[*lane].to).collect();
        let Carrier { lanes, sources, targets, .. } = self;
        for (number, lane) in lanes.iter().enumerate().filter(|(_, lane)| receivers.contains(&lane.to)) {
            let plan = &lane.plans[table];
            let differs =
                |other: &Lane| other.from == lane.from && other.receipt != lane.receipt && other.plans[table].has_rivals();
            for (third, other) in lanes.iter().enumerate().filter(|(_, other)| plan.has_rivals() && differs(other)) {
                let query = plan.tell(&round.spans[number], &other.plans[table], &round.spans[third], other.to as i32);
                let (source, target) = (at(sources, lane.from)?, at(targets, lane.to)?);
                target.hear(plan)?;
                relay::copy(&mut source.conn, &query, &mut target.conn, &plan.fill_heard(), "UTF8", &mut |_| Ok(()))?;
                round.heard.insert((lane.to, table));
            }
        }
        Ok(())
    }

    /// A row that has lost on its own master goes everywhere. There it may have met no rival: what was sent of that one is what it was at the
    /// snapshot, and its own master has what it is now.
    pub(super) fn cast_out(&mut self, table: usize, lanes: &[usize], round: &Round) -> Result<()> {
        let receivers: BTreeSet<usize> = lanes.iter().map(|lane| self.lanes[*lane].to).collect();
        for lane in round.fell.iter().filter(|(_, of)| *of == table).map(|(lane, _)| &self.lanes[*lane]) {
            for to in receivers.iter().filter(|to| **to != lane.to) {
                let Some(there) = self.lanes.iter().find(|other| other.to == *to && other.plans[table].has_rivals()) else {
                    continue;
                };
                let mut targets = each_of(&mut self.targets);
                let (master, target) = (take(&mut targets, lane.to)?, take(&mut targets, *to)?);
                let (plan, query) = (&there.plans[table], lane.plans[table].fallen_query());
                relay::copy(&mut master.conn, &query, &mut target.conn, &plan.fill_outcasts(), "UTF8", &mut |_| Ok(()))?;
                target.conn.execute(&plan.cast_out(), &[])?;
            }
        }
        Ok(())
    }
}
