//! Rows that have left a member without a change of theirs being captured (table `departed_rows`).

use crate::control::gap::{self, Place};
use crate::error::Result;
use crate::pg::Connection;

/// What happened, as a gap tells it.
const WHAT: &str = "a partition was detached or dropped with its rows, which other members still have";

/// Rows that have left a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departed {
    /// The database.
    pub db: String,
    /// `goat.id`.
    pub goat: i32,
    /// An SQL condition that holds for these rows.
    pub condition: String,
    /// Whether that was long enough ago for the targets to have followed.
    pub is_ripe: bool,
}

/// Notes that the rows of a condition have left.
pub fn note(control: &mut Connection, place: Place, goat: i32, condition: &str) -> Result<()> {
    let sql = "insert into bucardo.departed_rows (sync, targetdb, db, goat, condition, digest)
               values ($1, $2, $3, $4, $5, md5($5))
               on conflict (sync, targetdb, db, goat, digest) do nothing";
    control.execute(sql, &[&place.sync, &place.target, &place.db, &goat, &condition])?;
    Ok(())
}

/// All that other members of a KID may still have.
pub fn all(control: &mut Connection, sync: &str, target: &str) -> Result<Vec<Departed>> {
    let sql = "select db, goat, condition, since < clock_timestamp() - interval '1 minute'
               from bucardo.departed_rows
               where sync = $1 and targetdb = $2
               order by since";
    let departed =
        |row: &postgres::Row| Departed { db: row.get(0), goat: row.get(1), condition: row.get(2), is_ripe: row.get(3) };
    Ok(control.query(sql, &[&sync, &target])?.iter().map(departed).collect())
}

/// Others still have such rows: that is a gap.
pub fn missed(control: &mut Connection, place: Place, goat: i32, table: &str) -> Result<()> {
    gap::record(control, place, goat, table, WHAT)
}

/// No other has such rows any more, so a gap that tells nothing else is none.
pub fn forget(control: &mut Connection, place: Place, departed: &Departed) -> Result<()> {
    let sql = "with gone as (
                 delete from bucardo.departed_rows
                 where sync = $1 and targetdb = $2 and db = $3 and goat = $4 and condition = $5
               )
               delete from bucardo.gap g
               where g.sync = $1 and g.targetdb = $2 and g.db = $3 and g.goat = $4 and g.what = $6
                 and not exists (
                   select from bucardo.departed_rows d
                   where d.sync = $1 and d.targetdb = $2 and d.db = $3 and d.goat = $4 and d.condition <> $5)";
    control.execute(sql, &[&place.sync, &place.target, &place.db, &departed.goat, &departed.condition, &WHAT])?;
    Ok(())
}
