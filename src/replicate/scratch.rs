//! Temporary tables of a session, made when first needed and kept: making one for each round would bloat the catalog. Each is emptied at
//! every commit, so a herd of hundreds of tables must not keep them all.

use crate::error::Result;
use crate::pg::Connection;
use std::collections::BTreeSet;

/// How many are kept.
const KEPT: usize = 40;

/// The temporary tables that a session has, by the statements that remove them.
#[derive(Debug, Default)]
pub struct Scratch(BTreeSet<String>);

impl Scratch {
    /// Makes one unless it is there.
    pub fn ensure(&mut self, conn: &mut Connection, create: impl FnOnce() -> String, drop: String) -> Result<()> {
        match self.0.contains(&drop) {
            true => Ok(()),
            false => {
                conn.batch(&create())?;
                self.0.insert(drop);
                Ok(())
            }
        }
    }

    /// Removes all when there are too many. After a commit.
    pub fn tidy(&mut self, conn: &mut Connection) -> Result<()> {
        if self.0.len() > KEPT { conn.batch(&self.drops()) } else { Ok(()) }
    }

    /// Rolls back. Those made in this transaction are gone with it, so all are made anew.
    pub fn rollback(&mut self, conn: &mut Connection) -> Result<()> {
        let drops = self.drops();
        conn.batch(&format!("rollback; {drops}"))
    }

    fn drops(&mut self) -> String {
        std::mem::take(&mut self.0).into_iter().collect::<Vec<_>>().join("; ")
    }
}
