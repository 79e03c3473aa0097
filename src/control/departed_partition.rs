//! Partitions that left a table with their rows, without a change of these being captured (table
//! `departed_partition`).

use crate::control::gap::{self, Place};
use crate::error::Result;
use crate::pg::Connection;

/// What happened, as a gap tells it.
const WHAT: &str = "a partition was detached or dropped with its rows, which other members still have";

/// A partition that left the table of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departed {
    /// The database.
    pub db: String,
    /// `goat.id`.
    pub goat: i32,
    /// Its name there, with its schema, quoted.
    pub partition: String,
    /// Whether that was long enough ago for the others to have followed.
    pub is_ripe: bool,
}

/// Notes that a partition has left.
pub fn note(control: &mut Connection, place: Place, goat: i32, partition: &str) -> Result<()> {
    let sql = "insert into bucardo.departed_partition (sync, targetdb, db, goat, partition)
               values ($1, $2, $3, $4, $5)
               on conflict (sync, targetdb, db, goat, partition) do nothing";
    control.execute(sql, &[&place.sync, &place.target, &place.db, &goat, &partition])?;
    Ok(())
}

/// All that other members of a KID may still have.
pub fn all(control: &mut Connection, sync: &str, target: &str) -> Result<Vec<Departed>> {
    let sql = "select db, goat, partition, since < clock_timestamp() - interval '1 minute'
               from bucardo.departed_partition
               where sync = $1 and targetdb = $2
               order by since";
    let departed =
        |row: &postgres::Row| Departed { db: row.get(0), goat: row.get(1), partition: row.get(2), is_ripe: row.get(3) };
    Ok(control.query(sql, &[&sync, &target])?.iter().map(departed).collect())
}

/// What becomes of one: while other members have it, that is a gap, if it is ripe or is to be told
/// `at_once`; else it is forgotten, and a gap that tells nothing else is none.
pub fn settle(
    control: &mut Connection,
    place: Place,
    departed: &Departed,
    table: &str,
    others_have_it: bool,
    at_once: bool,
) -> Result<()> {
    match others_have_it {
        true if departed.is_ripe || at_once => gap::record(control, place, departed.goat, table, WHAT),
        true => Ok(()),
        false => forget(control, place, departed),
    }
}

fn forget(control: &mut Connection, place: Place, departed: &Departed) -> Result<()> {
    let sql = include_str!("sql/forget_departed.sql");
    control.execute(sql, &[&place.sync, &place.target, &place.db, &departed.goat, &departed.partition, &WHAT])?;
    Ok(())
}
