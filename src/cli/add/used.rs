//! Words to the user about syncs that are touched by what was added: nothing else tells them, and a
//! running daemon does not look. What was added to a sync that has been made is looked at on its
//! databases, so that what is wrong with it is told at once.

use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::sync::validate;
use crate::warn_user;

/// The syncs that have this herd as source.
pub fn herd(control: &mut Connection, herd: &str) -> Result<()> {
    tell(control, "select name from bucardo.sync where source = $1 order by name", herd, "herd")?;
    fitness(control, herd)
}

/// Warns of what joined this herd and does not fit a sync of it. It is added all the same: the sync
/// goes on without it.
pub fn fitness(control: &mut Connection, herd: &str) -> Result<()> {
    let sql = "select s.name, array_agg(j.goat) from bucardo.sync s join bucardo.joining j on j.sync = s.name \
               where s.source = $1 and j.looked is null group by s.name order by s.name";
    for row in control.query(sql, &[&herd])? {
        let (sync, goats): (String, Vec<i32>) = (row.get(0), row.get(1));
        // What goes wrong in looking is no failure of adding.
        match validate::foresee(control, &sync, &goats) {
            Ok(foreseen) => {
                let misfits = foreseen.misfits.iter().map(|(_, why)| why);
                misfits.chain(&foreseen.unasked).for_each(|sentence| warn_user!("Warning: in sync \"{sync}\": {sentence}"));
            }
            Err(error) => warn_user!("Note: the databases of sync \"{sync}\" could not be looked at: {error}"),
        }
    }
    Ok(())
}

/// The syncs that have this group as target.
pub fn dbgroup(control: &mut Connection, group: &str) -> Result<()> {
    tell(control, "select name from bucardo.sync where targetgroup = $1 order by name", group, "database group")
}

/// The syncs that have carried rows of tables for which something else is selected now, or which
/// are called otherwise on targets.
pub fn selection(control: &mut Connection, goats: &[i32]) -> Result<()> {
    let sql = "select distinct t.sync from bucardo.table_state t join bucardo.newest_run r on r.sync = t.sync \
               where t.goat = any ($1) order by 1";
    for row in control.query(sql, &[&goats])? {
        let sync: String = row.get(0);
        warn_user!(
            "Note: sync \"{sync}\" carries rows so from its next reload on; those that were carried before stay as they are \
             until a copy: update sync {sync} onetimecopy=1"
        );
    }
    Ok(())
}

fn tell(control: &mut Connection, sql: &str, name: &str, what: &str) -> Result<()> {
    for row in control.query(sql, &[&name])? {
        let sync: String = row.get(0);
        warn_user!("Note: sync \"{sync}\" uses {what} \"{name}\"; validate and reload that sync");
    }
    Ok(())
}
