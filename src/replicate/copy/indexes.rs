//! Indexes that are set aside while a table is filled: to build one over all rows takes a fraction
//! of the time that adding row by row takes.
//!
//! That changes what belongs to the table's owner, so it is done only where `rebuild_index` asks
//! for it (the original took the indexes out of use then); and only for a table that is ours alone
//! until the commit, because TRUNCATE has emptied it, or because it is empty and nobody uses it at
//! this moment. All of it is part of the copy's transaction. Indexes of constraints stay.

use crate::error::{Kind, Result};
use crate::replicate::plan::Plan;
use crate::replicate::session::target::Target;

/// For fewer rows it is not worth the changes in the catalogs.
const WORTHWHILE: f32 = 100_000.0;

impl Target {
    /// Drops the indexes of a table that is about to be filled, as far as that can and should be
    /// done; returns what makes them again.
    pub fn set_indexes_aside(&mut self, plan: &Plan) -> Result<Vec<String>> {
        if plan.rows < WORTHWHILE || !plan.copying().reindex {
            return Ok(Vec::new());
        }
        self.conn.batch("savepoint bucardo_aside")?;
        match self.try_set_aside(plan) {
            Err(error) if self.conn.is_closed() => Err(error),
            // A lock that is not to be had, an event trigger: with its indexes, the table is filled
            // as well.
            Err(_) => self.conn.batch("rollback to savepoint bucardo_aside").map(|()| Vec::new()),
            Ok(definitions) => Ok(definitions),
        }
    }

    /// After a copy, within its transaction: builds indexes anew, those that were set `aside`
    /// included, and renews the statistics. From version 17 on the server does the last without the
    /// owner's path; where its functions are not found then, nobody could do it.
    pub fn finish_copy(&mut self, plan: &Plan, aside: Vec<String>) -> Result<()> {
        if let Some(reindex) = plan.reindex() {
            self.as_owner_s(plan, |conn| conn.batch(&reindex))?;
        }
        if !aside.is_empty() {
            self.conn.batch(&aside.join("; "))?;
        }
        let Some(analyze) = plan.analyze() else { return Ok(()) };
        self.conn.batch("savepoint bucardo_analyze")?;
        match self.as_owner_s(plan, |conn| conn.batch(&analyze)) {
            Err(error) if error.kind() == Kind::Database && !self.conn.is_closed() => {
                log::warn!("Warning! Table {} was not analyzed: {error}", plan.target.label());
                self.conn.batch("rollback to savepoint bucardo_analyze")
            }
            done => done,
        }
    }

    fn try_set_aside(&mut self, plan: &Plan) -> Result<Vec<String>> {
        if self.is_empty(plan)? {
            self.conn.batch(&plan.hold_alone())?;
        }
        let rows = self.conn.query(include_str!("../sql/spare_indexes.sql"), &[&plan.target.to_string()])?;
        let (names, definitions): (Vec<String>, Vec<String>) = rows.iter().map(|row| (row.get(0), row.get(1))).unzip();
        if !names.is_empty() {
            self.conn.batch(&format!("drop index {}", names.join(", ")))?;
        }
        Ok(definitions)
    }
}
