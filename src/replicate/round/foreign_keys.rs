//! Foreign keys in force at a receiver, as they are where triggers cannot be switched off: what
//! they do on their own when a row is deleted must not undo what was written before.

use super::{Copies, Lane, Parts, Sessions, at};
use crate::error::{Error, Result};
use crate::replicate::plan::{Plan, ordered};
use std::collections::BTreeMap;

impl Parts {
    /// With plans that heed them, and tables in an order in which each comes after those on whose
    /// rows its own depend.
    pub(super) fn heeding_references(mut self) -> Result<Parts> {
        for Lane { to, plans, .. } in &mut self.sessions.lanes {
            *plans = at(&mut self.sessions.targets, *to)?.with_enforced_foreign_keys(std::mem::take(plans))?;
        }
        let order = ordered(&self.after());
        self.tables = order.iter().map(|table| self.tables[*table]).collect();
        for Lane { plans, .. } in &mut self.sessions.lanes {
            *plans = order.iter().map(|table| plans[*table].clone()).collect();
        }
        Ok(self)
    }

    /// For each table those on which it depends.
    fn after(&self) -> Vec<Vec<usize>> {
        let mut after = vec![Vec::new(); self.tables.len()];
        for Lane { plans, .. } in &self.sessions.lanes {
            let places: BTreeMap<String, usize> =
                plans.iter().enumerate().map(|(n, plan)| (plan.target.to_string(), n)).collect();
            for (table, plan) in plans.iter().enumerate() {
                let dependents = plan.before().filter_map(|from| places.get(&from.to_string()));
                dependents.for_each(|dependent| after[*dependent].push(table));
            }
        }
        after
    }
}

impl Copies {
    /// A copy empties its table, and what goes along must be `copied` after that.
    pub(super) fn check(&self, copied: &[usize], sessions: &mut Sessions) -> Result<()> {
        for lane in sessions.lanes.iter().filter(|lane| self.take(lane)) {
            let Lane { to, plans, .. } = lane;
            let target = at(&mut sessions.targets, *to)?;
            for (place, table) in copied.iter().enumerate() {
                let plan = &plans[*table];
                let later: Vec<&Plan> = copied[place..].iter().map(|table| &plans[*table]).collect();
                let Some(refusal) = refusal(plan, &later) else { continue };
                if !target.is_empty(plan)? {
                    return Err(target.advised(refusal));
                }
            }
        }
        Ok(())
    }
}

/// Whether one depends on a table that is to be copied without being copied with it or `later`.
fn refusal(plan: &Plan, later: &[&Plan]) -> Option<Error> {
    let lost = plan.dependents().iter().find(|from| later.iter().all(|other| other.target != **from))?;
    Some(plan.cascade_refusal(lost, "which is copied as a whole, without the other or after it"))
}
