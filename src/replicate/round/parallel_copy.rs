//! Copying several tables at once, each in sessions of its own
//! ([`CopyWorkers`](crate::replicate::copy::workers::CopyWorkers)).
//!
//! Whoever reads the receiver must not see one table of before and another of after the copy. So
//! this is for tables that are emptied by TRUNCATE, where readers wait until all is there, and for
//! those that are empty, where there is no before. It is for one source, without foreign keys in
//! force, without notes for other syncs: those belong to one transaction. All else is copied one
//! after another.

use super::{Carrier, Lane, Sessions};
use crate::control::queue::Counts;
use crate::error::Result;
use crate::replicate::copy::workers::{CopyConnections, CopyWorkers, TableJob};
use crate::replicate::ids::{ById, LaneId, MemberId, TableId};
use crate::replicate::plan::Plan;
use crate::replicate::round::step::{Step, Watcher};
use std::collections::BTreeSet;

/// The lane, where there is one only.
const ONLY: LaneId = LaneId::FIRST;

/// The tables that a round copies at once, and the sessions in which it does.
#[derive(Default)]
pub(super) struct ParallelCopy {
    workers: CopyWorkers,
    tables: BTreeSet<TableId>,
}

impl ParallelCopy {
    /// Chooses, of the tables that are to be `copied`, those that can be copied at once, if they
    /// are several.
    pub fn choose(&mut self, copied: &[TableId], sessions: &mut Sessions) -> Result<()> {
        self.tables.clear();
        if copied.len() < 2 {
            return Ok(());
        }
        let Lane { to, plans, .. } = &sessions.lanes[ONLY];
        let target = &mut sessions.targets[*to];
        for (table, truncatable) in target.apart(plans, &distinct(plans, copied))? {
            if (truncatable && plans[table].copying().truncate) || target.was_empty(&plans[table])? {
                self.tables.insert(table);
            }
        }
        if self.tables.len() == 1 {
            self.tables.clear();
        }
        Ok(())
    }

    /// All tables are copied one after another.
    pub fn choose_none(&mut self) {
        self.tables.clear();
    }

    /// Whether a table is copied in a session of its own.
    pub fn has(&self, table: TableId) -> bool {
        self.tables.contains(&table)
    }

    /// Copies the chosen tables.
    pub fn copy(
        &mut self,
        connections: Option<&CopyConnections>,
        sessions: &mut Sessions,
        watcher: &mut dyn Watcher,
    ) -> Result<Counts> {
        let Some(connections) = connections.filter(|_| !self.tables.is_empty()) else { return Ok(Counts::default()) };
        let snapshot = sessions.sources[MemberId::FIRST].conn.first_column("select pg_export_snapshot()")?;
        let snapshot = snapshot.first().and_then(Option::as_deref).unwrap_or_default();
        self.workers = CopyWorkers::open(connections, connections.jobs.min(self.tables.len()), snapshot)?;
        let lane = &sessions.lanes[ONLY];
        let work: Vec<TableJob> =
            largest_first(&lane.plans, &self.tables).into_iter().map(|plan| (plan, lane.encoding.as_str())).collect();
        watcher.at(Step::Ship, None)?;
        watcher.expects(work.iter().map(|(plan, _)| plan.rows.max(0.0) as u64).sum());
        let counts = self.workers.copy(&work, &mut |rows| watcher.moved(rows))?;
        work.iter().try_for_each(|(plan, _)| watcher.at(Step::AfterTableSync, Some(&plan.source)))?;
        Ok(counts)
    }

    /// Commits what was copied.
    pub fn commit(&mut self, watcher: &mut dyn Watcher) -> Result<()> {
        self.workers.commit(&mut || watcher.at(Step::HandCommitted, None))
    }

    /// Undoes what was copied.
    pub fn roll_back(&mut self) {
        self.workers.roll_back();
    }
}

impl Carrier {
    /// Chooses the tables that are copied at once, for a sync with one source and one receiver.
    pub(super) fn choose_parallel_copies(&mut self, copied: &[TableId]) -> Result<()> {
        let alone = self.parts.sessions.lanes.len() != 1 || self.parts.sessions.is_contested() || self.retry.serial_copy;
        if alone || self.parts.connections.as_ref().is_none_or(|connections| connections.jobs < 2) {
            self.parallel.choose_none();
            return Ok(());
        }
        self.parallel.choose(copied, &mut self.parts.sessions)
    }
}

/// Those that have a table of the receiver to themselves, and touch no other.
fn distinct(plans: &ById<TableId, Plan>, wanted: &[TableId]) -> Vec<TableId> {
    let claims = |table: &TableId| wanted.iter().filter(|other| plans[**other].target == plans[*table].target).count();
    let simple = |table: &TableId| !plans[*table].makes_delta() && !plans[*table].copying().cascade;
    wanted.iter().filter(|table| claims(table) == 1 && simple(table)).copied().collect()
}

/// The worker that took the largest table last would be waited for.
fn largest_first<'a>(plans: &'a ById<TableId, Plan>, tables: &BTreeSet<TableId>) -> Vec<&'a Plan> {
    let mut plans: Vec<&Plan> = tables.iter().map(|table| &plans[*table]).collect();
    plans.sort_by(|one, other| other.rows.total_cmp(&one.rows));
    plans
}
