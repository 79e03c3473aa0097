//! The locks on users' tables, which a round takes all at once, before it reads or writes, and
//! without waiting.
//!
//! Who waits for a table while he holds another can meet somebody who wants both for himself
//! (TRUNCATE, ALTER TABLE) in a deadlock, and the server may end the application's transaction
//! instead of ours. A master, moreover, is read in one session and written in another: somebody
//! could get into line between the two, waiting for one of them while the other waits for him, and
//! nobody would see that this is a circle. So a round that finds a table taken gives up what it
//! has, waits for that table with empty hands, and begins anew. Where one is taken all the time, by
//! one after another, that would never end: then the round gets into line.

use super::{Carrier, Lane};
use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::catalog::digest;
use crate::replicate::ids::{MemberId, TableId};
use crate::replicate::plan::Plan;
use crate::replicate::session::source::locks_parts;
use std::collections::BTreeMap;

impl Carrier {
    /// Begins at the receivers and takes the locks on these tables, at all masters or at the
    /// receiver, unless it is still to be seen which of them other sessions of ours will write.
    pub(super) fn begin_targets(&mut self, tables: &[TableId]) -> Result<()> {
        let (contested, patient) = (self.parts.sessions.is_contested(), self.retry.waits_for_locks());
        let compared = tables;
        let tables = if contested || !self.copies_some(tables) { self.to_lock(tables) } else { &[] };
        self.retry.wait_for = tables.to_vec();
        // Nobody waits for a single table with anything else in his hands. What is compared with
        // the plans is to stay as it is.
        let alone = if tables.is_empty() && compared.len() == 1 && !self.copies_some(compared) { compared } else { &[] };
        self.receivers_checked = !tables.is_empty() || !alone.is_empty();
        for (number, target) in self.parts.sessions.targets.iter_mut() {
            let parts = locks_parts(&target.conn);
            let lanes: Vec<&Lane> = self.parts.sessions.lanes.iter().filter(|lane| lane.to == *number).collect();
            let expected: Vec<_> =
                lanes.iter().map(|lane| (self.parts.sessions.names[lane.from].as_str(), lane.receipt.as_ref())).collect();
            let over = |table: TableId| {
                contested && !number.is_first() && self.parts.tables[table].copy && !self.parts.copies.filled.contains(number)
            };
            let lock = |plan: &Plan, table: TableId| match over(table) {
                // For it, others who write have to wait; they may do so all the time.
                true => plan.lock_target(parts, true),
                false => format!("{}{}", plan.lock_target(parts, false), if patient { "" } else { " nowait" }),
            };
            let of = |lane: &&Lane| {
                let alone = alone.iter().map(|table| lane.plans[*table].lock_target(parts, false));
                tables.iter().map(|table| lock(&lane.plans[*table], *table)).chain(alone).collect::<Vec<_>>()
            };
            let compared = |lane: &&&Lane| {
                let plans = compared.iter().map(|table| &lane.plans[*table]);
                digest::ask_changed(plans.map(|plan| (&plan.target, &plan.target_state)))
            };
            let compared = lanes.first().filter(|_| self.receivers_checked).as_ref().map(compared);
            target.begin(&self.parts.sync, &expected, &lanes.first().map(of).unwrap_or_default(), compared.as_deref())?;
        }
        if contested { self.lock_sources(tables) } else { Ok(()) }
    }

    /// Takes, of the locks on these tables, those that [`Carrier::begin_targets`] left. A table
    /// that is to be emptied by TRUNCATE has to be ours alone at the receiver, for which it is
    /// waited then: who had a weaker lock before could meet another one like him.
    pub(super) fn lock_rest(&mut self, tables: &[TableId]) -> Result<()> {
        if self.parts.sessions.is_contested() {
            return Ok(());
        }
        let mut rest = self.to_lock(tables).to_vec();
        rest.retain(|table| !self.parallel.has(*table));
        self.retry.wait_for.clone_from(&rest);
        let copies_some = self.copies_some(tables);
        for lane in self.parts.sessions.lanes.iter().filter(|_| copies_some) {
            let truncated = |table: TableId| self.parts.tables[table].copy && lane.plans[table].copying().truncate;
            let written: Vec<TableId> = rest.iter().copied().filter(|table| !truncated(*table)).collect();
            let target = &mut self.parts.sessions.targets[lane.to];
            let parts = locks_parts(&target.conn);
            target.conn.batch(&nowait(&written, |table| lane.plans[table].lock_target(parts, false)))?;
        }
        self.lock_sources(&rest)
    }

    fn copies_some(&self, tables: &[TableId]) -> bool {
        tables.iter().any(|table| self.parts.tables[*table].copy)
    }

    /// With one source, the lock on a single table is left to the statement that needs it; and so
    /// are all when waiting for them otherwise was in vain.
    fn to_lock<'t>(&self, tables: &'t [TableId]) -> &'t [TableId] {
        let at_once = self.parts.sessions.is_contested() || (tables.len() > 1 && !self.retry.waits_for_locks());
        if at_once { tables } else { &[] }
    }

    fn lock_sources(&mut self, tables: &[TableId]) -> Result<()> {
        for (number, source) in self.parts.sessions.sources.iter_mut().filter(|_| !tables.is_empty()) {
            let Some(lane) = self.parts.sessions.lanes.iter().find(|lane| lane.from == *number) else { continue };
            let parts = locks_parts(&source.conn);
            source.hold(&nowait(tables, |table| lane.plans[table].lock_source(parts)))?;
        }
        self.retry.wait_for.clear();
        Ok(())
    }

    /// Waits until each of the tables that could not be had is free for a moment.
    pub(super) fn await_tables(&mut self) -> Result<()> {
        if self.retry.wait_for.is_empty() {
            return Ok(());
        }
        let (from, to): (BTreeMap<MemberId, &Lane>, BTreeMap<MemberId, &Lane>) = (
            self.parts.sessions.lanes.iter().map(|lane| (lane.from, lane)).collect(),
            self.parts.sessions.lanes.iter().map(|lane| (lane.to, lane)).collect(),
        );
        for (number, source) in self.parts.sessions.sources.iter_mut() {
            let parts = locks_parts(&source.conn);
            pass(&mut source.conn, from.get(number), &self.retry.wait_for, |plan| plan.lock_source(parts))?;
        }
        for (number, target) in self.parts.sessions.targets.iter_mut() {
            let parts = locks_parts(&target.conn);
            pass(&mut target.conn, to.get(number), &self.retry.wait_for, |plan| plan.lock_target(parts, false))?;
        }
        self.retry.wait_for.clear();
        Ok(())
    }
}

fn nowait(tables: &[TableId], lock: impl Fn(TableId) -> String) -> String {
    tables.iter().map(|table| format!("{} nowait", lock(*table))).collect::<Vec<_>>().join("; ")
}

/// Takes one lock after another as soon as it is to be had, and lets go of it, in one round trip.
fn pass(conn: &mut Connection, lane: Option<&&Lane>, tables: &[TableId], lock: impl Fn(&Plan) -> String) -> Result<()> {
    let Some(lane) = lane else { return Ok(()) };
    let each: Vec<String> = tables.iter().map(|table| format!("begin; {}; commit", lock(&lane.plans[*table]))).collect();
    conn.batch(&each.join("; ")).inspect_err(|_| drop(conn.batch("rollback")))
}
