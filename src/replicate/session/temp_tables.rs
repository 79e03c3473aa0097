//! Temporary tables of a session, made when first needed and kept: making one for each round would
//! bloat the catalog. Each is emptied at every commit, so a herd of hundreds of tables must not
//! keep them all.

use crate::error::Result;
use crate::pg::Connection;
use std::collections::BTreeSet;

/// How many are kept.
const KEPT: usize = 40;

/// The temporary tables that a session has, by the statements that remove them, and whether it is
/// in a transaction: to roll back without one would be a warning in the server's log.
#[derive(Debug, Default)]
pub struct Scratch {
    drops: BTreeSet<String>,
    open: bool,
}

impl Scratch {
    /// Makes one unless it is there.
    pub fn ensure(&mut self, conn: &mut Connection, create: impl FnOnce() -> String, drop: String) -> Result<()> {
        match self.drops.contains(&drop) {
            true => Ok(()),
            false => {
                conn.batch(&create())?;
                self.drops.insert(drop);
                Ok(())
            }
        }
    }

    /// A transaction begins.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// Removes all when there are too many. After a commit.
    pub fn tidy(&mut self, conn: &mut Connection) -> Result<()> {
        self.open = false;
        if self.drops.len() > KEPT { conn.batch(&self.drops()) } else { Ok(()) }
    }

    /// Rolls back. Those made in this transaction are gone with it, so all are made anew.
    pub fn rollback(&mut self, conn: &mut Connection) -> Result<()> {
        let rollback = if std::mem::take(&mut self.open) { "rollback; " } else { "" };
        let drops = self.drops();
        conn.batch(&format!("{rollback}{drops}"))
    }

    fn drops(&mut self) -> String {
        std::mem::take(&mut self.drops).into_iter().collect::<Vec<_>>().join("; ")
    }
}
