//! Databases that are to be tried out, and the process that does it: one at a time.

use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::launch::{self, Launch};
use crate::daemon::process::role::Role;
use crate::error::Result;
use std::collections::{BTreeMap, BTreeSet};

/// What is to be done, and who is at it.
#[derive(Default)]
pub(super) struct Testers {
    pending: BTreeSet<String>,
    child: Option<i32>,
    /// A digest of each database's row, as it was when it was last looked at.
    rows: BTreeMap<String, String>,
}

impl Testers {
    /// Those that were added while no daemon ran.
    pub fn find(&mut self, session: &mut ControlSession) -> Result<()> {
        let sql = "select name from bucardo.db d where status = 'active' \
                   and not exists (select from bucardo.db_connlog l where l.db = d.name)";
        self.pending.extend(session.control.query(sql, &[])?.iter().map(|row| row.get::<_, String>(0)));
        self.read_rows(session).map(drop)
    }

    /// Databases were named that may have been added or changed. Those are tried out of which the
    /// row says so, and all that `trusted` sessions have named.
    pub fn called(&mut self, session: &mut ControlSession, named: &BTreeSet<String>, trusted: &BTreeSet<String>) -> Result<()> {
        let before = self.read_rows(session)?;
        let changed = self.rows.iter().filter(|(name, row)| named.contains(*name) && before.get(*name) != Some(row));
        let asked = self.rows.keys().filter(|name| trusted.contains(*name));
        let all: Vec<String> = changed.map(|(name, _)| name).chain(asked).cloned().collect();
        self.pending.extend(all);
        Ok(())
    }

    /// Reads the rows; returns what they were before.
    fn read_rows(&mut self, session: &mut ControlSession) -> Result<BTreeMap<String, String>> {
        let rows = session.control.query("select name, md5(d::text) from bucardo.db d", &[])?;
        let rows = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(std::mem::replace(&mut self.rows, rows))
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
