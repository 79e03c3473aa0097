//! Which plans a session prefers. What the planner believes about a delta table or a stage that was
//! just filled is a guess, and a wrong one would read a whole table for a handful of rows; so when
//! the keys are few beside the table, it walks an index for each, in the keys' order.

use crate::error::Result;
use crate::pg::Connection;

/// Rules out whatever reads a whole table, or leaves it to the planner again: for the session or,
/// with `scope` = `local`, for the transaction.
pub fn settings(scope: &str, few: bool) -> String {
    let value = if few { "off" } else { "default" };
    ["hashjoin", "mergejoin", "seqscan", "hashagg"].map(|what| format!("set {scope} enable_{what} = {value}")).join("; ")
}

/// What a session has been told; none if it may have forgotten.
#[derive(Debug, Default)]
pub struct Preference(Option<bool>);

impl Preference {
    /// Tells the session whether the keys are few, unless it knows.
    pub fn set(&mut self, conn: &mut Connection, few: bool) -> Result<()> {
        if self.0 == Some(few) {
            return Ok(());
        }
        self.0 = None;
        conn.batch(&settings("session", few))?;
        self.0 = Some(few);
        Ok(())
    }

    /// A rollback may have undone it.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}
