//! Foreign keys in force at a receiver, as they are where triggers cannot be switched off: what
//! they do on their own when a row is deleted must not undo what was written before.

use super::{Copies, Lane, Parts, Sessions};
use crate::error::{Error, Result};
use crate::replicate::ids::{ById, TableId};
use crate::replicate::plan::{Plan, ordered};
use std::collections::BTreeMap;

impl Parts {
    /// With plans that heed them, and tables in an order in which each comes after those on whose
    /// rows its own depend.
    pub(super) fn heeding_references(mut self) -> Result<Parts> {
        for Lane { to, plans, .. } in self.sessions.lanes.iter_mut() {
            let planned = std::mem::take(plans).into_vec();
            *plans = self.sessions.targets[*to].with_enforced_foreign_keys(planned)?.into();
        }
        let order = ordered(&self.after());
        self.tables = order.iter().map(|table| self.tables[*table]).collect();
        for Lane { plans, .. } in self.sessions.lanes.iter_mut() {
            *plans = order.iter().map(|table| plans[*table].clone()).collect();
        }
        Ok(self)
    }

    /// For each table those on which it depends.
    fn after(&self) -> ById<TableId, Vec<TableId>> {
        let mut after: ById<TableId, Vec<TableId>> = vec![Vec::new(); self.tables.len()].into();
        for Lane { plans, .. } in self.sessions.lanes.iter() {
            let places: BTreeMap<String, TableId> = plans.pairs().map(|(table, plan)| (plan.target.to_string(), table)).collect();
            for (table, plan) in plans.pairs() {
                let dependents = plan.before().filter_map(|from| places.get(&from.to_string()));
                dependents.for_each(|dependent| after[*dependent].push(table));
            }
        }
        after
    }
}

impl Copies {
    /// A copy empties its table, and what goes along must be `copied` after that.
    pub(super) fn check(&self, copied: &[TableId], sessions: &mut Sessions) -> Result<()> {
        for lane in sessions.lanes.iter().filter(|lane| self.take(lane)) {
            let Lane { to, plans, .. } = lane;
            let target = &mut sessions.targets[*to];
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
