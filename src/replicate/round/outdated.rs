//! Whether the tables of a round are still those for which its plans were made.
//!
//! At a receiver this is asked together with the round's locks, which keep it so; where the locks
//! are taken one after another, it is asked at the end, when they are all held. At a source it is
//! asked when its transaction has ended
//! ([`Source::finish`](crate::replicate::session::source::Source::finish)). DDL that comes earlier
//! may make a statement fail: then the reason is the DDL, and not the statement.

use super::{Carrier, Parts, Round, Sessions};
use crate::control::departed_partition::{self, Fate};
use crate::control::gap::{self, Place};
use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, Relation};
use crate::replicate::capture::departed_partition as partition;
use crate::replicate::capture::gaps;
use crate::replicate::catalog::digest;
use crate::replicate::ids::{ByMember, TableId};
use crate::replicate::plan::Plan;
use crate::replicate::round::step::Watcher;

impl Carrier {
    /// Whether a round failed because a table is not what it was; a lock that was not to be had or
    /// a collision says nothing of that.
    pub(super) fn comes_of_old_plans(&mut self, error: &Error) -> bool {
        match error.kind() {
            Kind::Outdated => true,
            Kind::Database | Kind::Violation | Kind::NotFound | Kind::Denied | Kind::Mismatch => {
                // A session that cannot answer shows itself at its next use.
                self.parts.sessions.have_changed(&self.working).unwrap_or(false)
            }
            _ => false,
        }
    }

    /// Compares the tables of the receivers, unless that was done when their locks were taken.
    pub(super) fn check_receivers(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.receivers_checked, true) {
            true => Ok(()),
            false => self.parts.sessions.check_receivers(&self.working),
        }
    }

    /// What was missing of tables that were copied as a whole is there.
    pub(super) fn close_gaps(&mut self, round: &Round, watcher: &mut dyn Watcher) -> Result<()> {
        let copied = |table: &TableId| self.parts.tables[*table].copy || round.bypassed.contains(table);
        let Some(lane) = self.parts.sessions.lanes.iter().find(|lane| lane.from.is_first()) else { return Ok(()) };
        let goats: Vec<i32> = self.working.iter().filter(|table| copied(table)).map(|table| lane.plans[*table].goat()).collect();
        match watcher.control().filter(|_| !goats.is_empty()) {
            Some(control) => gap::close(control, &self.parts.sync, &self.parts.place, &goats, &self.parts.compared_at).map(drop),
            None => Ok(()),
        }
    }

    /// Looks after partitions that left a member: whether others still have them.
    pub fn settle_departed_partitions(&mut self, control: &mut Connection) -> Result<()> {
        let Parts { sync, place: target, sessions, .. } = &mut self.parts;
        let (all, mut settled) = (departed_partition::all(control, sync, target)?, Vec::new());
        for departed in &all {
            let (mut fate, mut others_have_it, mut table) = (Fate::IsGone, false, None);
            for lane in sessions.lanes.iter() {
                let Some(plan) = lane.plans.iter().find(|plan| plan.goat() == departed.goat) else { continue };
                for (number, relation) in [(lane.from, &plan.source), (lane.to, &plan.target)] {
                    let conn = match sessions.sources.get_mut(&number) {
                        Some(source) => &mut source.conn,
                        None => &mut sessions.targets[number].conn,
                    };
                    if sessions.names[number] == departed.db {
                        if partition::is_back(conn, relation, departed)? {
                            fate = Fate::IsBack;
                        }
                        table = Some(relation.label());
                    } else if !departed.is_followed(&sessions.names[number], &all) {
                        others_have_it |= partition::may_have(conn, relation, departed)?;
                    }
                }
            }
            if others_have_it && fate == Fate::IsGone {
                fate = Fate::IsElsewhere;
            }
            settled.extend(table.map(|table| (departed, table, fate)));
        }
        // What one of them says of another counts until all are settled.
        settled.iter().try_for_each(|(departed, table, fate)| {
            let place = Place { sync, target, db: &departed.db };
            departed_partition::settle(control, place, departed, table, *fate, false)
        })
    }

    /// Whether any table of the sync is not what its plans rest on, on any member. Rounds ask only
    /// for the tables that have work; so this is for in between, outside of a transaction.
    pub fn members_have_changed(&mut self) -> Result<bool> {
        let all: Vec<TableId> = self.parts.tables.ids().collect();
        let Parts { sessions, types, .. } = &mut self.parts;
        Ok(sessions.have_changed(&all)? || sessions.types_have_changed(types)?)
    }
}

impl Sessions {
    /// Whether one of these tables is not what its plans rest on. Outside of a transaction.
    fn have_changed(&mut self, tables: &[TableId]) -> Result<bool> {
        let mut changed = false;
        for lane in self.lanes.iter() {
            let plans: Vec<&Plan> = tables.iter().filter_map(|table| lane.plans.get(*table)).collect();
            let asked = digest::ask_changed(plans.iter().map(|plan| (&plan.source, &plan.source_state)));
            changed |= names_one(&mut self.sources[lane.from].conn, &asked)?.is_some();
            let asked = digest::ask_changed(plans.iter().map(|plan| (&plan.target, &plan.target_state)));
            changed |= names_one(&mut self.targets[lane.to].conn, &asked)?.is_some();
        }
        Ok(changed)
    }

    /// Whether a type that columns are made of is not as it is `known`.
    fn types_have_changed(&mut self, known: &ByMember<String>) -> Result<bool> {
        for (number, known) in known.iter() {
            let Some(lane) = self.lanes.iter().find(|lane| [lane.from, lane.to].contains(number)) else { continue };
            let of = |plan: &Plan| if lane.from == *number { plan.source.clone() } else { plan.target.clone() };
            let tables: Vec<Relation> = lane.plans.iter().map(of).collect();
            let conn = match self.sources.get_mut(number) {
                Some(source) => &mut source.conn,
                None => &mut self.targets[*number].conn,
            };
            if gaps::types(conn, &tables)? != *known {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Fails if one of these tables is not what its plans rest on, at a receiver.
    fn check_receivers(&mut self, tables: &[TableId]) -> Result<()> {
        for lane in self.lanes.iter() {
            let plans = tables.iter().filter_map(|table| lane.plans.get(*table));
            let asked = digest::ask_changed(plans.map(|plan| (&plan.target, &plan.target_state)));
            if let Some(table) = names_one(&mut self.targets[lane.to].conn, &asked)? {
                return Err(digest::outdated(&table));
            }
        }
        Ok(())
    }
}

fn names_one(conn: &mut Connection, question: &str) -> Result<Option<String>> {
    Ok(conn.first_column(question)?.into_iter().next().flatten())
}
