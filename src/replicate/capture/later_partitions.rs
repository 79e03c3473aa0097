//! Partitions that were made after the last look at a source. Changes of their rows are captured
//! from the beginning, by triggers that come from the table's; a TRUNCATE of one alone is captured
//! by a trigger of its own, which only a look at the databases makes.

use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::own_schema::has_table;

/// Has the daemon validate a valid sync that has such a partition. Between rounds.
pub fn ask_for_validation(control: &mut Connection, sync: &str, source: &mut Connection) -> Result<()> {
    let sql = include_str!("../sql/truncate_is_missed.sql");
    if has_table(source, "bucardo_delta_targets")? && source.query_one(&*source.ours(sql), &[&sync])?.get(0) {
        let ask = "select bucardo.request_validation(sync, false) from bucardo.validation where sync = $1 and ok and validated is not null";
        control.query(ask, &[&sync])?;
    }
    Ok(())
}
