//! The locks on users' tables, which a round takes all at once, before it reads or writes, and without waiting.
//!
//! Who waits for a table while he holds another can meet somebody who wants both for himself (TRUNCATE, ALTER TABLE) in a deadlock, and the
//! server may end the application's transaction instead of ours. A master, moreover, is read in one session and written in another: somebody
//! could get into line between the two, waiting for one of them while the other waits for him, and nobody would see that this is a circle. So
//! a round that finds a table taken gives up what it has, waits for that table with empty hands, and begins anew.

use super::{Carrier, Lane, at};
use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::plan::Plan;

impl Carrier {
    /// Begins at the receivers and takes the locks on these tables, at all masters or at the receiver, unless it is still to be seen which of
    /// them other sessions of ours will write.
    pub(super) fn begin_targets(&mut self, tables: &[usize]) -> Result<()> {
        let contested = self.is_contested();
        let tables = if contested || !self.copies_some(tables) { self.to_lock(tables) } else { &[] };
        self.awaited = tables.to_vec();
        for (number, target) in &mut self.targets {
            let lanes: Vec<&Lane> = self.lanes.iter().filter(|lane| lane.to == *number).collect();
            let expected: Vec<_> = lanes.iter().map(|lane| (self.names[lane.from].as_str(), lane.receipt.as_ref())).collect();
            let over = |table: usize| contested && *number != 0 && self.tables[table].copy && !self.filled.contains(number);
            let lock = |plan: &Plan, table: usize| match over(table) {
                // It waits: among those who write all the time there may be no moment without any.
                true => plan.lock_target_over(),
                false => format!("{} nowait", plan.lock_target()),
            };
            let of = |lane: &&Lane| tables.iter().map(|table| lock(&lane.plans[*table], *table)).collect::<Vec<_>>();
            target.begin(&self.sync, &expected, &lanes.first().map(of).unwrap_or_default())?;
        }
        if contested { self.lock_sources(tables) } else { Ok(()) }
    }

    /// Takes, of the locks on these tables, those that [`Carrier::begin_targets`] left. A table that is to be emptied by TRUNCATE has to be ours
    /// alone at the receiver, for which it is waited then: who had a weaker lock before could meet another one like him.
    pub(super) fn lock_rest(&mut self, tables: &[usize]) -> Result<()> {
        if self.is_contested() {
            return Ok(());
        }
        let rest: Vec<usize> = tables.iter().copied().filter(|table| !self.is_copied(*table)).collect();
        let rest = self.to_lock(&rest);
        self.awaited = rest.to_vec();
        let copies_some = self.copies_some(tables);
        for lane in self.lanes.iter().filter(|_| copies_some) {
            let truncated = |table: usize| self.tables[table].copy && lane.plans[table].copying().truncate;
            let written: Vec<usize> = rest.iter().copied().filter(|table| !truncated(*table)).collect();
            let locks = nowait(&written, |table| lane.plans[table].lock_target());
            at(&mut self.targets, lane.to)?.conn.batch(&locks)?;
        }
        self.lock_sources(rest)
    }

    fn copies_some(&self, tables: &[usize]) -> bool {
        tables.iter().any(|table| self.tables[*table].copy)
    }

    /// With one source, the lock on a single table is left to the statement that needs it.
    fn to_lock<'t>(&self, tables: &'t [usize]) -> &'t [usize] {
        if self.is_contested() || tables.len() > 1 { tables } else { &[] }
    }

    fn lock_sources(&mut self, tables: &[usize]) -> Result<()> {
        for (number, source) in self.sources.iter_mut().filter(|_| !tables.is_empty()) {
            let Some(lane) = self.lanes.iter().find(|lane| lane.from == *number) else { continue };
            source.hold(&nowait(tables, |table| lane.plans[table].lock_source()))?;
        }
        self.awaited.clear();
        Ok(())
    }

    /// Waits until each of the tables that could not be had is free for a moment.
    pub(super) fn await_tables(&mut self) -> Result<()> {
        for table in &self.awaited {
            for lane in &self.lanes {
                let plan = &lane.plans[*table];
                pass(&mut at(&mut self.sources, lane.from)?.conn, &plan.lock_source())?;
                pass(&mut at(&mut self.targets, lane.to)?.conn, &plan.lock_target())?;
            }
        }
        self.awaited.clear();
        Ok(())
    }
}

fn nowait(tables: &[usize], lock: impl Fn(usize) -> String) -> String {
    tables.iter().map(|table| format!("{} nowait", lock(*table))).collect::<Vec<_>>().join("; ")
}

/// Takes a lock as soon as it is to be had, and lets go of it.
fn pass(conn: &mut Connection, lock: &str) -> Result<()> {
    conn.within("begin", |conn| conn.batch(lock))
}
