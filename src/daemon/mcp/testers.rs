//! Databases that are to be tried out, and the process that does it: one at a time.

use crate::daemon::desk::Desk;
use crate::daemon::launch::{self, Launch};
use crate::daemon::role::Role;
use crate::error::Result;
use std::collections::BTreeSet;

/// What is to be done, and who is at it.
#[derive(Default)]
pub(super) struct Testers {
    pending: BTreeSet<String>,
    child: Option<i32>,
}

impl Testers {
    /// Those that were added while no daemon ran.
    pub fn find(&mut self, desk: &mut Desk) -> Result<()> {
        let sql = "select name from bucardo.db d where status = 'active' \
                   and not exists (select from bucardo.db_connlog l where l.db = d.name)";
        self.pending.extend(desk.control.query(sql, &[])?.iter().map(|row| row.get::<_, String>(0)));
        Ok(())
    }

    /// A database was added or changed.
    pub fn add(&mut self, db: String) {
        self.pending.insert(db);
    }

    /// Starts a tester, if there is something to do and nobody does it.
    pub fn start_due(&mut self, launch: &Launch) -> Result<()> {
        if self.pending.is_empty() || self.child.is_some() {
            return Ok(());
        }
        let dbs = std::mem::take(&mut self.pending).into_iter().collect();
        self.child = Some(launch::spawn(Role::Dbtest { dbs }, launch)?);
        Ok(())
    }

    /// Some child died.
    pub fn died(&mut self, pid: i32) {
        if self.child == Some(pid) {
            self.child = None;
        }
    }
}
