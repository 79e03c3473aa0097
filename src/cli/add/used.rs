//! Words to the user about syncs that are touched by what was added: nothing else tells them, and a running daemon does not look.

use crate::error::Result;
use crate::pg::Connection;
use crate::warn_user;

/// The syncs that have this herd as source.
pub fn herd(control: &mut Connection, herd: &str) -> Result<()> {
    tell(control, "select name from bucardo.sync where source = $1 order by name", herd, "herd")
}

/// The syncs that have this group as target.
pub fn dbgroup(control: &mut Connection, group: &str) -> Result<()> {
    tell(control, "select name from bucardo.sync where targetgroup = $1 order by name", group, "database group")
}

fn tell(control: &mut Connection, sql: &str, name: &str, what: &str) -> Result<()> {
    for row in control.query(sql, &[&name])? {
        let sync: String = row.get(0);
        warn_user!("Note: sync \"{sync}\" uses {what} \"{name}\"; validate and reload that sync");
    }
    Ok(())
}
