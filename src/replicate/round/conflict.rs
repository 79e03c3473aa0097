//! Conflicts: what several masters changed of one table meets on the coordinator, the first master,
//! where the winner of each key is chosen, in SQL, so that memory here does not depend on the
//! number of keys. Each source gets the list of keys that lost there, and each conflict is
//! recorded.

use super::abreast::{each_of, take};
use super::{Carrier, Lane, Round, Table, at};
use crate::error::{Error, Kind, Result};
use crate::replicate::plan::Plan;
use crate::replicate::plan::strategy::{Ranks, Strategy};
use crate::replicate::round::step::Watcher;
use crate::replicate::session::relay;
use crate::replicate::snapshot::Span;
use std::collections::BTreeMap;

/// The master on which candidates meet.
const COORDINATOR: usize = 0;

impl Carrier {
    /// Chooses winners if several masters changed the table. Says whether some of their changes are
    /// not to be sent.
    pub(super) fn resolve_conflicts(&mut self, table: usize, lanes: &[usize], round: &mut Round) -> Result<bool> {
        let emptied = self.drop_emptied(table, lanes, round)?;
        let mut by_source: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        lanes.iter().for_each(|lane| by_source.entry(self.parts.lanes[*lane].from).or_default().push(*lane));
        if by_source.len() < 2 {
            return Ok(emptied);
        }
        let here = self.lane_to_coordinator()?;
        let coordinator = at(&mut self.parts.targets, COORDINATOR)?;
        coordinator.candidates(&self.parts.lanes[here].plans[table])?;
        for (source, lanes) in &by_source {
            self.bring_candidates(table, *source, lanes, here, emptied, round)?;
        }
        let lost = self.decide(table, here, round)?;
        for lanes in by_source.values() {
            self.send_losers(table, lanes[0], lost.then_some(&round.spans[lanes[0]]))?;
            if self.parts.details && round.conflicts.contains(&table) {
                self.bring_details(table, lanes[0], here)?;
            }
        }
        Ok(true)
    }

    fn lane_to_coordinator(&self) -> Result<usize> {
        let found = self.parts.lanes.iter().position(|lane| lane.to == COORDINATOR);
        found.ok_or_else(|| Error::new(Kind::Bug, "nothing leads to the first master"))
    }

    fn bring_candidates(
        &mut self,
        table: usize,
        source: usize,
        lanes: &[usize],
        here: usize,
        emptied: bool,
        round: &Round,
    ) -> Result<()> {
        let plans: Vec<(&Plan, _, i32)> = lanes
            .iter()
            .map(|lane| (&self.parts.lanes[*lane].plans[table], &round.spans[*lane], self.parts.lanes[*lane].to as i32))
            .collect();
        let (fill, query) = (self.parts.lanes[here].plans[table].fill_candidates(), Plan::candidates_query(&plans, emptied));
        let (from, to) = (at(&mut self.parts.sources, source)?, at(&mut self.parts.targets, COORDINATOR)?);
        if let (true, Some((plan, ..))) = (emptied, plans.first()) {
            from.lost(plan)?;
        }
        relay::copy(&mut from.conn, &query, &mut to.conn, &fill, "UTF8", &mut |_| Ok(()))?;
        Ok(())
    }

    /// For those tables of which all shall have the same winner: the masters in the order of their
    /// latest changes of any table.
    pub(super) fn rank_masters(&mut self, round: &Round) -> Result<()> {
        let ranked = |table: &Table| matches!(table.strategy, Strategy::LatestAllTables(_));
        if !self.is_contested() || !self.parts.tables.iter().any(ranked) {
            return Ok(());
        }
        let mut newest: BTreeMap<usize, Option<i64>> = BTreeMap::new();
        for (lane, table) in round.pending.keys() {
            let Lane { from, plans, .. } = &self.parts.lanes[*lane];
            let query = plans[*table].newest(&round.spans[*lane]);
            let found: Option<i64> = at(&mut self.parts.sources, *from)?.conn.query_one(&query, &[])?.get(0);
            let known = newest.entry(*from).or_default();
            *known = found.max(*known);
        }
        let mut order: Vec<usize> = newest.keys().copied().collect();
        order.sort_by_key(|master| (std::cmp::Reverse(newest[master]), *master));
        let ranks = Ranks::of(order);
        self.parts
            .tables
            .iter_mut()
            .filter(|table| ranked(table))
            .for_each(|table| table.strategy = Strategy::LatestAllTables(ranks));
        Ok(())
    }

    /// Chooses the winners; says whether there was anything to choose, and losers lost for good.
    fn decide(&mut self, table: usize, here: usize, round: &mut Round) -> Result<bool> {
        let plan = &self.parts.lanes[here].plans[table];
        let strategy = self.parts.tables[table].strategy;
        let coordinator = &mut at(&mut self.parts.targets, COORDINATOR)?.conn;
        if coordinator.execute(&plan.decide(strategy), &[])? == 0 {
            return Ok(false);
        }
        let conflicts: i64 = coordinator.query_one(&plan.count_conflicts(), &[])?.get(0);
        if conflicts > 0 && strategy == Strategy::Abort {
            return Err(aborted(plan, conflicts));
        }
        if conflicts > 0 {
            round.conflicts.insert(table);
        }
        Ok(strategy != Strategy::Skip)
    }

    /// Sends a source the list of its keys that lost. They are settled there, out of this `span`,
    /// if one is given.
    fn send_losers(&mut self, table: usize, lane: usize, settled: Option<&Span>) -> Result<()> {
        let plan = &self.parts.lanes[lane].plans[table];
        let source = at(&mut self.parts.sources, self.parts.lanes[lane].from)?;
        source.lost(plan)?;
        let coordinator = at(&mut self.parts.targets, COORDINATOR)?;
        let lost =
            relay::copy(&mut coordinator.conn, &plan.lost_query(), &mut source.conn, &plan.fill_lost(), "UTF8", &mut |_| Ok(()))?;
        match settled.filter(|_| lost > 0) {
            Some(span) => source.conn.batch(&plan.settle_lost(span)),
            None => Ok(()),
        }
    }

    /// The source's rows of the keys in conflict.
    fn bring_details(&mut self, table: usize, lane: usize, here: usize) -> Result<()> {
        let (plan, here) = (&self.parts.lanes[lane].plans[table], &self.parts.lanes[here].plans[table]);
        let (source, coordinator) =
            (at(&mut self.parts.sources, self.parts.lanes[lane].from)?, at(&mut self.parts.targets, COORDINATOR)?);
        source.clash(plan)?;
        coordinator.details(here)?;
        let mut none = |_| Ok(());
        relay::copy(&mut coordinator.conn, &here.clash_query(), &mut source.conn, &plan.fill_clash(), "UTF8", &mut none)?;
        relay::copy(&mut source.conn, &plan.details_query(), &mut coordinator.conn, &here.fill_details(), "UTF8", &mut none)?;
        Ok(())
    }

    /// A row that gave way at several receivers is on record once: at its own master, or else at
    /// the first of the others.
    pub(super) fn record_once(&mut self, table: usize, round: &Round) -> Result<()> {
        let found: Vec<usize> = round.gave_way.iter().filter(|(_, of)| *of == table).map(|(lane, _)| *lane).collect();
        for (number, lane) in found.iter().enumerate().filter(|_| found.len() > 1) {
            let Lane { to, plans, .. } = &self.parts.lanes[*lane];
            let mut targets = each_of(&mut self.parts.targets);
            let here = take(&mut targets, *to)?;
            for (other_number, other) in found.iter().enumerate().filter(|(other_number, _)| *other_number != number) {
                let Lane { to, plans: others, .. } = &self.parts.lanes[*other];
                let query = others[table].recorded_query(other_number < number);
                let fill = plans[table].fill_recorded();
                relay::copy(&mut take(&mut targets, *to)?.conn, &query, &mut here.conn, &fill, "UTF8", &mut |_| Ok(()))?;
            }
            here.conn.batch(&plans[table].drop_recorded())?;
        }
        Ok(())
    }

    /// Before anybody commits, so that no lost change can be without its record; after a crash in
    /// between there may be two.
    pub(super) fn record_conflicts(&mut self, round: &Round, watcher: &mut dyn Watcher) -> Result<()> {
        let queries = self.conflict_queries(round)?;
        let (false, Some(control)) = (queries.is_empty(), watcher.control()) else { return Ok(()) };
        // Our sessions there do not wait for the disk, but what is on record must outlive a crash
        // as surely as the masters' commits do.
        control.within("begin; set local synchronous_commit = on", |control| {
            for (member, query, columns) in &queries {
                let (place, into) = (&mut at(&mut self.parts.targets, *member)?.conn, format!("bucardo.conflict ({columns})"));
                relay::copy(place, query, control, &into, "UTF8", &mut |_| Ok(()))?;
            }
            Ok(())
        })
    }

    /// Where records of conflicts come from: the member, the query, the columns it fills.
    fn conflict_queries(&self, round: &Round) -> Result<Vec<(usize, String, String)>> {
        let columns = Plan::CONFLICT_COLUMNS.to_owned();
        let strategy = |table: &usize| self.parts.tables[*table].strategy;
        let here = if round.conflicts.is_empty() { 0 } else { self.lane_to_coordinator()? };
        let mut queries = Vec::new();
        for table in &round.conflicts {
            let plan = &self.parts.lanes[here].plans[*table];
            let columns = if self.parts.details { format!("{columns}, details") } else { columns.clone() };
            queries.push((COORDINATOR, plan.conflicts_query(strategy(table), &self.parts.names, self.parts.details), columns));
        }
        for (lane, table) in &round.judged {
            let Lane { to, plans, .. } = &self.parts.lanes[*lane];
            queries.push((
                *to,
                plans[*table].late_conflicts_query(strategy(table), &self.parts.names),
                format!("{columns}, details"),
            ));
        }
        for (lane, table) in &round.gave_way {
            let Lane { to, plans, .. } = &self.parts.lanes[*lane];
            queries.push((
                *to,
                plans[*table].losing_rows_query(strategy(table), &self.parts.names),
                format!("{columns}, details"),
            ));
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
