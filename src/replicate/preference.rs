//! Which plans a session prefers. What the planner believes about a delta table or a stage that was just filled is a guess, and a wrong one would
//! read a whole table for a handful of rows; so when the keys are few beside the table, it walks an index for each, in the keys' order.

use crate::error::Result;
use crate::pg::Connection;

/// What the session has been told; none if it may have forgotten.
#[derive(Debug, Default)]
pub struct Preference(Option<bool>);

impl Preference {
    /// Rules out whatever reads a whole table, or allows it again.
    pub fn set(&mut self, conn: &mut Connection, few: bool) -> Result<()> {
        if self.0 == Some(few) {
            return Ok(());
        }
        let value = if few { "off" } else { "on" };
        let settings = ["hashjoin", "mergejoin", "seqscan", "hashagg"].map(|what| format!("set enable_{what} = {value}"));
        self.0 = None;
        conn.batch(&settings.join("; "))?;
        self.0 = Some(few);
        Ok(())
    }

    /// Whether it was told that the keys are few.
    pub fn few(&self) -> bool {
        self.0 == Some(true)
    }

    /// A rollback may have undone it.
    pub fn forget(&mut self) {
        self.0 = None;
    }
}
