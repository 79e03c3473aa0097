//! Masters' changes of one table meet: the winner of each key is chosen on the first master, in SQL, so that memory here does not depend on
//! the number of keys. Losers are told to their sources, and each conflict is recorded.

use super::{Carrier, Lane, Round, Table, at};
use crate::error::{Error, Kind, Result};
use crate::replicate::plan::Plan;
use crate::replicate::relay;
use crate::replicate::resolve::{Ranks, Strategy};
use crate::replicate::step::Watcher;
use std::collections::BTreeMap;

/// The master on which keys meet.
const PLACE: usize = 0;

impl Carrier {
    /// Chooses winners if several masters changed the table, and says whether they did.
    pub(super) fn meet(&mut self, table: usize, lanes: &[usize], round: &mut Round) -> Result<bool> {
        let mut by_source: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        lanes.iter().for_each(|lane| by_source.entry(self.lanes[*lane].from).or_default().push(*lane));
        if by_source.len() < 2 {
            return Ok(false);
        }
        let here = self.lane_to_place()?;
        let place = at(&mut self.targets, PLACE)?;
        place.meeting(&self.lanes[here].plans[table])?;
        for (source, lanes) in &by_source {
            self.bring(table, *source, lanes, here, round)?;
        }
        let again = self.decide(table, here, round)?;
        for lanes in by_source.values() {
            self.tell_losers(table, lanes[0])?;
            if again {
                self.note_again(table, lanes[0])?;
            }
            if self.details && round.conflicts.contains(&table) {
                self.bring_details(table, lanes[0], here)?;
            }
        }
        Ok(true)
    }

    fn lane_to_place(&self) -> Result<usize> {
        let found = self.lanes.iter().position(|lane| lane.to == PLACE);
        found.ok_or_else(|| Error::new(Kind::Bug, "nothing leads to the first master"))
    }

    fn bring(&mut self, table: usize, source: usize, lanes: &[usize], here: usize, round: &Round) -> Result<()> {
        let plans: Vec<(&Plan, _, i32)> = lanes
            .iter()
            .map(|lane| (&self.lanes[*lane].plans[table], &round.spans[*lane], self.lanes[*lane].to as i32))
            .collect();
        let fill = self.lanes[here].plans[table].fill_meeting();
        let from = &mut at(&mut self.sources, source)?.conn;
        relay::copy(from, &Plan::meeting_query(&plans), &mut at(&mut self.targets, PLACE)?.conn, &fill, "UTF8", &mut |_| Ok(()))?;
        Ok(())
    }

    /// For those tables of which all shall have the same winner: the masters in the order of their latest changes of any table.
    pub(super) fn rank_masters(&mut self, round: &Round) -> Result<()> {
        let ranked = |table: &Table| matches!(table.strategy, Strategy::LatestAllTables(_));
        if !self.is_contested() || !self.tables.iter().any(ranked) {
            return Ok(());
        }
        let mut newest: BTreeMap<usize, Option<i64>> = BTreeMap::new();
        for (lane, table) in round.pending.keys() {
            let Lane { from, plans, .. } = &self.lanes[*lane];
            let query = plans[*table].newest(&round.spans[*lane]);
            let found: Option<i64> = at(&mut self.sources, *from)?.conn.query_one(&query, &[])?.get(0);
            let known = newest.entry(*from).or_default();
            *known = found.max(*known);
        }
        let mut order: Vec<usize> = newest.keys().copied().collect();
        order.sort_by_key(|master| (std::cmp::Reverse(newest[master]), *master));
        let ranks = Ranks::of(order);
        self.tables.iter_mut().filter(|table| ranked(table)).for_each(|table| table.strategy = Strategy::LatestAllTables(ranks));
        Ok(())
    }

    /// Chooses the winners; says whether one is to be sent once more.
    fn decide(&mut self, table: usize, here: usize, round: &mut Round) -> Result<bool> {
        let plan = &self.lanes[here].plans[table];
        let strategy = self.tables[table].strategy;
        let masters = self.sources.keys().map(|master| 1_i64 << master).sum();
        let place = &mut at(&mut self.targets, PLACE)?.conn;
        if place.execute(&plan.decide(strategy, masters), &[])? == 0 {
            return Ok(false);
        }
        let found = place.query_one(&plan.count_conflicts(), &[])?;
        let conflicts: i64 = found.get(0);
        if conflicts > 0 && strategy == Strategy::Abort {
            return Err(aborted(plan, conflicts));
        }
        if conflicts > 0 {
            round.conflicts.insert(table);
        }
        Ok(found.get(1))
    }

    fn note_again(&mut self, table: usize, lane: usize) -> Result<()> {
        let plan = &self.lanes[lane].plans[table];
        let (source, place) = (at(&mut self.sources, self.lanes[lane].from)?, at(&mut self.targets, PLACE)?);
        relay::copy(&mut place.conn, &plan.again_query(), &mut source.conn, &plan.fill_delta(), "UTF8", &mut |_| Ok(()))?;
        Ok(())
    }

    fn tell_losers(&mut self, table: usize, lane: usize) -> Result<()> {
        let plan = &self.lanes[lane].plans[table];
        let source = at(&mut self.sources, self.lanes[lane].from)?;
        source.lost(plan)?;
        let place = at(&mut self.targets, PLACE)?;
        relay::copy(&mut place.conn, &plan.lost_query(), &mut source.conn, &plan.fill_lost(), "UTF8", &mut |_| Ok(()))?;
        Ok(())
    }

    /// The source's rows of the keys in conflict.
    fn bring_details(&mut self, table: usize, lane: usize, here: usize) -> Result<()> {
        let (plan, here) = (&self.lanes[lane].plans[table], &self.lanes[here].plans[table]);
        let (source, place) = (at(&mut self.sources, self.lanes[lane].from)?, at(&mut self.targets, PLACE)?);
        source.clash(plan)?;
        place.details(here)?;
        let mut none = |_| Ok(());
        relay::copy(&mut place.conn, &here.clash_query(), &mut source.conn, &plan.fill_clash(), "UTF8", &mut none)?;
        relay::copy(&mut source.conn, &plan.details_query(), &mut place.conn, &here.fill_details(), "UTF8", &mut none)?;
        Ok(())
    }

    /// Before anybody commits, so that no lost change can be without its record; after a crash in between there may be two.
    pub(super) fn record_conflicts(&mut self, round: &Round, watcher: &mut dyn Watcher) -> Result<()> {
        let queries = self.conflict_queries(round)?;
        let (false, Some(control)) = (queries.is_empty(), watcher.control()) else { return Ok(()) };
        // Our sessions there do not wait for the disk, but what is on record must outlive a crash as surely as the masters' commits do.
        control.within("begin; set local synchronous_commit = on", |control| {
            for (member, query, columns) in &queries {
                let (place, into) = (&mut at(&mut self.targets, *member)?.conn, format!("bucardo.conflict ({columns})"));
                relay::copy(place, query, control, &into, "UTF8", &mut |_| Ok(()))?;
            }
            Ok(())
        })
    }

    /// Where records of conflicts come from: the member, the query, the columns it fills.
    fn conflict_queries(&self, round: &Round) -> Result<Vec<(usize, String, String)>> {
        let columns = Plan::CONFLICT_COLUMNS.to_owned();
        let strategy = |table: &usize| self.tables[*table].strategy;
        let here = if round.conflicts.is_empty() { 0 } else { self.lane_to_place()? };
        let mut queries = Vec::new();
        for table in &round.conflicts {
            let plan = &self.lanes[here].plans[*table];
            let columns = if self.details { format!("{columns}, details") } else { columns.clone() };
            queries.push((PLACE, plan.conflicts_query(strategy(table), &self.names, self.details), columns));
        }
        for (lane, table) in &round.judged {
            let Lane { to, plans, .. } = &self.lanes[*lane];
            queries.push((*to, plans[*table].late_conflicts_query(strategy(table), &self.names), format!("{columns}, details")));
        }
        for (lane, table) in &round.rivals {
            let Lane { to, plans, .. } = &self.lanes[*lane];
            queries.push((*to, plans[*table].rivals_query(strategy(table), &self.names), format!("{columns}, details")));
        }
        Ok(queries)
    }
}

fn aborted(plan: &Plan, conflicts: i64) -> Error {
    let keys = if conflicts == 1 { "one row".to_owned() } else { format!("{conflicts} rows") };
    Error::new(
        Kind::Mismatch,
        format!("Table {}: {keys} changed on more than one database, and conflicts shall abort the sync", plan.source.label()),
    )
    .hint("Make the rows equal by hand, or choose another standard_conflict for the table.")
}
