//! Conflicts: what several masters changed of one table meets on the coordinator, the first master,
//! where the winner of each key is chosen, in SQL, so that memory here does not depend on the
//! number of keys. Each source gets the list of keys that lost there, and each conflict is
//! recorded.

use super::abreast::{each_of, take};
use super::{Lane, Parts, Round, Sessions, Table};
use crate::error::{Error, Kind, Result};
use crate::replicate::ids::{Id, LaneId, MemberId, TableId};
use crate::replicate::plan::Plan;
use crate::replicate::plan::strategy::{Ranks, Strategy};
use crate::replicate::round::step::Watcher;
use crate::replicate::session::relay;
use crate::replicate::session::target::Settled;
use crate::replicate::snapshot::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The master on which candidates meet.
const COORDINATOR: MemberId = MemberId::FIRST;

/// The conflicts that a round has found, to be recorded before any receiver commits.
#[derive(Default)]
pub(super) struct Conflicts {
    /// Tables of which the coordinator chose winners.
    tables: BTreeSet<TableId>,
    /// Lanes and tables with keys that came late and were decided on the spot.
    judged: BTreeSet<(LaneId, TableId)>,
    /// Lanes and tables where rows gave way to others that claim the same.
    gave_way: BTreeSet<(LaneId, TableId)>,
}

impl Conflicts {
    /// A lane's table was written, and what came late there was settled.
    pub fn settled(&mut self, lane: LaneId, table: TableId, settled: &Settled) {
        if settled.gave_way {
            self.gave_way.insert((lane, table));
        }
        if settled.judged {
            self.judged.insert((lane, table));
        }
    }

    /// Where records come from: the member, the query, the columns it fills.
    fn queries(&self, parts: &Parts) -> Result<Vec<(MemberId, String, String)>> {
        let Sessions { names, lanes, .. } = &parts.sessions;
        let columns = Plan::CONFLICT_COLUMNS.to_owned();
        let strategy = |table: &TableId| parts.tables[*table].strategy;
        let mut queries = Vec::new();
        for table in &self.tables {
            let plan = &lanes[parts.sessions.lane_to_coordinator()?].plans[*table];
            let columns = if parts.details { format!("{columns}, details") } else { columns.clone() };
            queries.push((COORDINATOR, plan.conflicts_query(strategy(table), names, parts.details), columns));
        }
        for (lane, table) in &self.judged {
            let Lane { to, plans, .. } = &lanes[*lane];
            queries.push((*to, plans[*table].late_conflicts_query(strategy(table), names), format!("{columns}, details")));
        }
        for (lane, table) in &self.gave_way {
            let Lane { to, plans, .. } = &lanes[*lane];
            queries.push((*to, plans[*table].losing_rows_query(strategy(table), names), format!("{columns}, details")));
        }
        Ok(queries)
    }
}

impl Parts {
    /// Chooses winners if several masters changed the table. Says whether some of their changes are
    /// not to be sent.
    pub(super) fn resolve_conflicts(&mut self, table: TableId, lanes: &[LaneId], round: &mut Round) -> Result<bool> {
        let Parts { sessions, tables, details, .. } = self;
        let emptied = sessions.drop_emptied(table, lanes, round)?;
        let mut by_source: BTreeMap<MemberId, Vec<LaneId>> = BTreeMap::new();
        lanes.iter().for_each(|lane| by_source.entry(sessions.lanes[*lane].from).or_default().push(*lane));
        if by_source.len() < 2 {
            return Ok(emptied);
        }
        let here = sessions.lane_to_coordinator()?;
        let mut conflicting = ConflictingTable { sessions, table, strategy: tables[table].strategy, here };
        conflicting.begin()?;
        for (source, lanes) in &by_source {
            conflicting.bring_candidates(*source, lanes, emptied, round)?;
        }
        let conflicts = conflicting.decide()?;
        if conflicts.is_some_and(|conflicts| conflicts > 0) {
            round.conflicts.tables.insert(table);
        }
        let lost = conflicts.is_some() && conflicting.strategy != Strategy::Skip;
        for lanes in by_source.values() {
            conflicting.send_losers(lanes[0], lost.then_some(&round.spans[lanes[0]]))?;
            if *details && round.conflicts.tables.contains(&table) {
                conflicting.bring_details(lanes[0])?;
            }
        }
        Ok(true)
    }

    /// For those tables of which all shall have the same winner: the masters in the order of their
    /// latest changes of any table.
    pub(super) fn rank_masters(&mut self, round: &Round) -> Result<()> {
        let ranked = |table: &Table| matches!(table.strategy, Strategy::LatestAllTables(_));
        if !self.sessions.is_contested() || !self.tables.iter().any(ranked) {
            return Ok(());
        }
        let mut newest: BTreeMap<MemberId, Option<i64>> = BTreeMap::new();
        for (lane, table) in round.pending.keys() {
            let Lane { from, plans, .. } = &self.sessions.lanes[*lane];
            let query = plans[*table].newest(&round.spans[*lane]);
            let found: Option<i64> = self.sessions.sources[*from].conn.query_one(&query, &[])?.get(0);
            let known = newest.entry(*from).or_default();
            *known = found.max(*known);
        }
        let mut order: Vec<MemberId> = newest.keys().copied().collect();
        order.sort_by_key(|master| (std::cmp::Reverse(newest[master]), *master));
        let ranks = Ranks::of(order.into_iter().map(Id::place));
        self.tables.iter_mut().filter(|table| ranked(table)).for_each(|table| table.strategy = Strategy::LatestAllTables(ranks));
        Ok(())
    }

    /// Before any receiver commits, so that no lost change can be without its record; after a crash
    /// in between there may be two.
    pub(super) fn record_conflicts(&mut self, conflicts: &Conflicts, watcher: &mut dyn Watcher) -> Result<()> {
        let queries = conflicts.queries(self)?;
        let (false, Some(control)) = (queries.is_empty(), watcher.control()) else { return Ok(()) };
        // Our sessions there do not wait for the disk, but what is on record must outlive a crash
        // as surely as the masters' commits do.
        control.within("begin; set local synchronous_commit = on", |control| {
            for (member, query, columns) in &queries {
                let conn = &mut self.sessions.targets[*member].conn;
                let into = format!("bucardo.conflict ({columns})");
                relay::copy(conn, query, control, &into, "UTF8", &mut |_| Ok(()))?;
            }
            Ok(())
        })
    }
}

/// One table of which several masters have changes that meet.
struct ConflictingTable<'a> {
    sessions: &'a mut Sessions,
    table: TableId,
    strategy: Strategy,
    /// A lane to the coordinator.
    here: LaneId,
}

impl ConflictingTable<'_> {
    /// Makes sure that candidates can be brought.
    fn begin(&mut self) -> Result<()> {
        let ConflictingTable { sessions: Sessions { lanes, targets, .. }, table, here, .. } = self;
        targets[COORDINATOR].candidates(&lanes[*here].plans[*table])
    }

    fn bring_candidates(&mut self, source: MemberId, lanes: &[LaneId], emptied: bool, round: &Round) -> Result<()> {
        let Sessions { lanes: all, sources, targets, .. } = &mut *self.sessions;
        let plans: Vec<(&Plan, _, i32)> =
            lanes.iter().map(|lane| (&all[*lane].plans[self.table], &round.spans[*lane], all[*lane].to.number())).collect();
        let (fill, query) = (all[self.here].plans[self.table].fill_candidates(), Plan::candidates_query(&plans, emptied));
        let (from, to) = (&mut sources[source], &mut targets[COORDINATOR]);
        if let (true, Some((plan, ..))) = (emptied, plans.first()) {
            from.lost(plan)?;
        }
        relay::copy(&mut from.conn, &query, &mut to.conn, &fill, "UTF8", &mut |_| Ok(()))?;
        Ok(())
    }

    /// Chooses the winners; says how many conflicts that were, or none if there was nothing to
    /// choose.
    fn decide(&mut self) -> Result<Option<i64>> {
        let Sessions { lanes, targets, .. } = &mut *self.sessions;
        let plan = &lanes[self.here].plans[self.table];
        let coordinator = &mut targets[COORDINATOR].conn;
        if coordinator.execute(&plan.decide(self.strategy), &[])? == 0 {
            return Ok(None);
        }
        let conflicts: i64 = coordinator.query_one(&plan.count_conflicts(), &[])?.get(0);
        if conflicts > 0 && self.strategy == Strategy::Abort {
            return Err(aborted(plan, conflicts));
        }
        Ok(Some(conflicts))
    }

    /// Sends a source the list of its keys that lost. They are settled there, out of this `span`,
    /// if one is given.
    fn send_losers(&mut self, lane: LaneId, settled: Option<&Span>) -> Result<()> {
        let Sessions { lanes, sources, targets, .. } = &mut *self.sessions;
        let plan = &lanes[lane].plans[self.table];
        let source = &mut sources[lanes[lane].from];
        source.lost(plan)?;
        let coordinator = &mut targets[COORDINATOR].conn;
        let lost = relay::copy(coordinator, &plan.lost_query(), &mut source.conn, &plan.fill_lost(), "UTF8", &mut |_| Ok(()))?;
        match settled.filter(|_| lost > 0) {
            Some(span) => source.conn.batch(&plan.settle_lost(span)),
            None => Ok(()),
        }
    }

    /// The source's rows of the keys in conflict.
    fn bring_details(&mut self, lane: LaneId) -> Result<()> {
        let Sessions { lanes, sources, targets, .. } = &mut *self.sessions;
        let (plan, here) = (&lanes[lane].plans[self.table], &lanes[self.here].plans[self.table]);
        let (source, coordinator) = (&mut sources[lanes[lane].from], &mut targets[COORDINATOR]);
        source.clash(plan)?;
        coordinator.details(here)?;
        let mut none = |_| Ok(());
        relay::copy(&mut coordinator.conn, &here.clash_query(), &mut source.conn, &plan.fill_clash(), "UTF8", &mut none)?;
        relay::copy(&mut source.conn, &plan.details_query(), &mut coordinator.conn, &here.fill_details(), "UTF8", &mut none)?;
        Ok(())
    }
}

impl Sessions {
    fn lane_to_coordinator(&self) -> Result<LaneId> {
        let found = self.lanes.find(|lane| lane.to == COORDINATOR);
        found.ok_or_else(|| Error::new(Kind::Bug, "nothing leads to the first master"))
    }

    /// A row that gave way at several receivers is on record once: at its own master, or else at
    /// the first of the others.
    pub(super) fn record_once(&mut self, table: TableId, conflicts: &Conflicts) -> Result<()> {
        let found: Vec<LaneId> = conflicts.gave_way.iter().filter(|(_, of)| *of == table).map(|(lane, _)| *lane).collect();
        for (number, lane) in found.iter().enumerate().filter(|_| found.len() > 1) {
            let Lane { to, plans, .. } = &self.lanes[*lane];
            let mut targets = each_of(&mut self.targets);
            let here = take(&mut targets, *to)?;
            for (other_number, other) in found.iter().enumerate().filter(|(other_number, _)| *other_number != number) {
                let Lane { to, plans: others, .. } = &self.lanes[*other];
                let query = others[table].recorded_query(other_number < number);
                let fill = plans[table].fill_recorded();
                relay::copy(&mut take(&mut targets, *to)?.conn, &query, &mut here.conn, &fill, "UTF8", &mut |_| Ok(()))?;
            }
            here.conn.batch(&plans[table].drop_recorded())?;
        }
        Ok(())
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
