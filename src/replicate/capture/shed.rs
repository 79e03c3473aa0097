//! Objects of ours that came to a database with a dump or a template: they are a copy, and removed
//! where objects of its own are about to be made.

use super::install;
use crate::control::identity as known;
use crate::error::Result;
use crate::pg::Connection;
use crate::replicate::identity::{self, Actual, Recorded};
use crate::replicate::own_schema::has_table;

/// Removes objects of another database, unless this one is known to have had its own. To be called
/// where objects are about to be made. Says what was done.
pub fn own_or_shed(control: &mut Connection, db: &str, conn: &mut Connection) -> Result<Option<String>> {
    let Some(recorded) = Recorded::read(conn)? else {
        // What an earlier version made has no such row.
        let gone = !has_table(conn, "bucardo_track")? && known::has_had_objects(control, db)?;
        return if gone && Recorded::read(conn)?.is_none() { Err(known::halt(control, identity::lost(db))?) } else { Ok(None) };
    };
    if recorded.fits(&Actual::read(conn)?) {
        return Ok(None);
    }
    if known::life(control, db)?.is_some() {
        return Err(known::halt(control, identity::copy(db))?);
    }
    shed(conn)?;
    Ok(Some(format!("Database \"{db}\": removed what a copy of another database had brought along in schema {}", conn.schema())))
}

/// Removes our objects from a database to which they came with a dump or a template.
fn shed(conn: &mut Connection) -> Result<()> {
    for (table, remove) in [
        ("bucardo_delta_targets", install::unregister as fn(&mut Connection, &str) -> Result<()>),
        ("bucardo_track", install::forget_receipts),
    ] {
        if has_table(conn, table)? {
            let rows = conn.query(&format!("select distinct sync from {}", conn.schema().relation(table)), &[])?;
            for row in &rows {
                remove(conn, row.get(0))?;
            }
        }
    }
    // Syncs of whole tables have nothing but these.
    for row in &conn.query(&*conn.ours(KICK_FUNCTIONS), &[])? {
        conn.batch(&format!("drop function {} cascade", row.get::<_, &str>(0)))?;
    }
    conn.batch(&conn.ours("drop table if exists bucardo.bucardo_identity, bucardo.bucardo_accepted"))
}

/// The functions that wake syncs.
const KICK_FUNCTIONS: &str = "select oid::regprocedure::text from pg_proc \
    where pronamespace = to_regnamespace('bucardo') and proname ~ '^bucardo_triggerkick' and prorettype = 'trigger'::regtype";
