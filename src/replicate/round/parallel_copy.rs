//! Copying several tables at once, each in sessions of its own
//! ([`CopyWorkers`](crate::replicate::copy::workers::CopyWorkers)).
//!
//! Whoever reads the receiver must not see one table of before and another of after the copy. So
//! this is for tables that are emptied by TRUNCATE, where readers wait until all is there, and for
//! those that are empty, where there is no before. It is for one source, without foreign keys in
//! force, without notes for other syncs: those belong to one transaction. All else is copied one
//! after another.

use super::{Carrier, Parts, at};
use crate::control::queue::Counts;
use crate::error::Result;
use crate::replicate::copy::workers::{CopyWorkers, TableJob};
use crate::replicate::plan::Plan;
use crate::replicate::round::step::{Step, Watcher};
use std::collections::{BTreeMap, BTreeSet};

impl Carrier {
    /// Copies what can be copied at once; [`Carrier::is_copied`] tells which tables that are.
    pub(super) fn copy_in_parallel(&mut self, watcher: &mut dyn Watcher) -> Result<Counts> {
        let Some(connections) = self.parts.connections.clone().filter(|_| !self.apart.is_empty()) else {
            return Ok(Counts::default());
        };
        let snapshot = at(&mut self.parts.sources, 0)?.conn.first_column("select pg_export_snapshot()")?;
        let snapshot = snapshot.first().and_then(Option::as_deref).unwrap_or_default();
        self.hands = CopyWorkers::open(&connections, connections.jobs.min(self.apart.len()), snapshot)?;
        let lane = &self.parts.lanes[0];
        let work: Vec<TableJob> =
            largest_first(&lane.plans, &self.apart).into_iter().map(|plan| (plan, lane.encoding.as_str())).collect();
        watcher.at(Step::Ship, None)?;
        watcher.expects(work.iter().map(|(plan, _)| plan.rows.max(0.0) as u64).sum());
        let counts = self.hands.copy(&work, &mut |rows| watcher.moved(rows))?;
        work.iter().try_for_each(|(plan, _)| watcher.at(Step::AfterTableSync, Some(&plan.source)))?;
        Ok(counts)
    }

    /// Whether a table is copied in a session of its own.
    pub(super) fn is_copied(&self, table: usize) -> bool {
        self.apart.contains(&table)
    }

    /// Those of these tables that can be copied at once, if they are several.
    pub(super) fn tables_apart(&mut self, tables: &BTreeMap<usize, Vec<usize>>) -> Result<BTreeSet<usize>> {
        let alone = self.parts.lanes.len() != 1 || self.is_contested() || self.retry.serial_copy;
        if alone || self.parts.connections.as_ref().is_none_or(|connections| connections.jobs < 2) {
            return Ok(BTreeSet::new());
        }
        let Parts { lanes, tables: kinds, targets, .. } = &mut self.parts;
        let wanted: Vec<usize> = tables.keys().copied().filter(|table| kinds[*table].copy).collect();
        if wanted.len() < 2 {
            return Ok(BTreeSet::new());
        }
        let (plans, target) = (&lanes[0].plans, at(targets, lanes[0].to)?);
        let mut apart = BTreeSet::new();
        for (table, truncatable) in target.apart(plans, &distinct(plans, &wanted))? {
            if (truncatable && plans[table].copying().truncate) || target.was_empty(&plans[table])? {
                apart.insert(table);
            }
        }
        Ok(if apart.len() > 1 { apart } else { BTreeSet::new() })
    }
}

/// Those that have a table of the receiver to themselves, and touch no other.
fn distinct(plans: &[Plan], wanted: &[usize]) -> Vec<usize> {
    let claims = |table: &usize| wanted.iter().filter(|other| plans[**other].target == plans[*table].target).count();
    let simple = |table: &usize| !plans[*table].makes_delta() && !plans[*table].copying().cascade;
    wanted.iter().filter(|table| claims(table) == 1 && simple(table)).copied().collect()
}

/// The hand that took the largest table last would be waited for.
fn largest_first<'a>(plans: &'a [Plan], tables: &BTreeSet<usize>) -> Vec<&'a Plan> {
    let mut plans: Vec<&Plan> = tables.iter().map(|table| &plans[*table]).collect();
    plans.sort_by(|one, other| other.rows.total_cmp(&one.rows));
    plans
}
