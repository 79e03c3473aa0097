//! Whether one role does everything: owns the control database and connects to the replicated ones.

use crate::error::Result;
use crate::pg::Connection;

/// The line that says so, with what would be better.
pub fn hint(control: &mut Connection) -> Result<Option<String>> {
    let line = |row: postgres::Row| {
        let (role, databases): (String, String) = (row.get(0), row.get(1));
        format!(
            "Hint: role \"{role}\" owns the control database and also replicates ({databases}); a role of its own for that is safer, \
             see: bucardo_ctl help rights"
        )
    };
    Ok(control.query_opt(include_str!("one_role.sql"), &[])?.map(line))
}
