//! Partitions that left a table with their rows, without a change of these being captured (table
//! `departed_partition`).

use crate::control::gap::{self, Place};
use crate::error::Result;
use crate::pg::Connection;
use std::time::SystemTime;

/// What happened, as a gap tells it.
const WHAT: &str = "a partition was detached or dropped with its rows, which other members still have";

/// What happened to a partition that is in the table again.
pub fn came_back(partition: &str) -> String {
    format!("partition {partition} was detached and attached again; what was changed in it meanwhile is not known")
}

/// What became of a partition that left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Other members still have it.
    IsElsewhere,
    /// No member has it.
    IsGone,
    /// It is back. The rows that a source has in it now were noted as changed.
    IsBack,
}

/// A partition that left the table of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departed {
    /// The database.
    pub db: String,
    /// `goat.id`.
    pub goat: i32,
    /// Its name there, with its schema, quoted.
    pub partition: String,
    /// Its id there; 0 if that was not noted.
    pub relation: u32,
    /// When that was noticed.
    pub since: SystemTime,
    /// When the KID began to look at all members, if it was the one that noticed.
    pub look: Option<SystemTime>,
    /// Whether that was long enough ago for the others to have followed.
    pub is_ripe: bool,
}

impl Departed {
    /// Whether a partition of the same name left another member later, or was noticed in the same
    /// look of the KID, which carries nothing meanwhile. Then what has the name there now holds
    /// only what was captured since. One that left earlier may have been replaced by another one,
    /// which has sent rows to this one, or got rows from it.
    pub fn is_followed(&self, on: &str, all: &[Departed]) -> bool {
        let is_other = |other: &&Departed| other.db == on && other.goat == self.goat && other.partition == self.partition;
        let in_one_look = |other: &Departed| self.look.is_some() && other.look == self.look;
        all.iter().filter(is_other).any(|other| other.since > self.since || in_one_look(other))
    }
}

/// Notes that a partition has left, by its id and name.
pub fn note(
    control: &mut Connection,
    place: Place,
    goat: i32,
    (relation, partition): (u32, &str),
    look: Option<&str>,
) -> Result<()> {
    let sql = "insert into bucardo.departed_partition (sync, targetdb, db, goat, partition, relation, look)
               values ($1, $2, $3, $4, $5, $6, to_timestamp($7::text::float8))
               on conflict (sync, targetdb, db, goat, partition, relation) do nothing";
    control.execute(sql, &[&place.sync, &place.target, &place.db, &goat, &partition, &relation, &look])?;
    Ok(())
}

/// All that other members of a KID may still have.
pub fn all(control: &mut Connection, sync: &str, target: &str) -> Result<Vec<Departed>> {
    let sql = "select db, goat, partition, relation, since, look, since < clock_timestamp() - interval '1 minute'
               from bucardo.departed_partition
               where sync = $1 and targetdb = $2
               order by since";
    let departed = |row: &postgres::Row| Departed {
        db: row.get(0),
        goat: row.get(1),
        partition: row.get(2),
        relation: row.get(3),
        since: row.get(4),
        look: row.get(5),
        is_ripe: row.get(6),
    };
    Ok(control.query(sql, &[&sync, &target])?.iter().map(departed).collect())
}

/// What follows for a member: while others have the partition, that is a gap, if it is ripe or is
/// to be told `at_once`; else it is forgotten, and a gap that tells nothing else is none.
pub fn settle(control: &mut Connection, place: Place, departed: &Departed, table: &str, fate: Fate, at_once: bool) -> Result<()> {
    match fate {
        Fate::IsElsewhere if departed.is_ripe || at_once => return gap::record(control, place, departed.goat, table, WHAT),
        Fate::IsElsewhere => return Ok(()),
        Fate::IsBack => gap::record(control, place, departed.goat, table, &came_back(&departed.partition))?,
        Fate::IsGone => {}
    }
    forget(control, place, departed)
}

fn forget(control: &mut Connection, place: Place, departed: &Departed) -> Result<()> {
    let sql = include_str!("sql/forget_departed.sql");
    control
        .execute(sql, &[&place.sync, &place.target, &place.db, &departed.goat, &departed.partition, &WHAT, &departed.relation])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_partition_is_followed_by_one_that_left_later_or_in_the_same_look() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let departed = |db: &str, goat, partition: &str, since, look: Option<u64>| Departed {
            db: db.to_owned(),
            goat,
            partition: partition.to_owned(),
            relation: 7,
            since: at(since),
            look: look.map(at),
            is_ripe: false,
        };
        let (noticed, other_noticed) = (departed("a", 1, "p", 5, Some(3)), departed("a", 1, "p", 5, None));
        for (one, other, follows) in [
            (&noticed, departed("b", 1, "p", 6, Some(4)), true),
            (&noticed, departed("b", 1, "p", 4, Some(3)), true),
            (&noticed, departed("b", 1, "p", 4, Some(2)), false),
            (&other_noticed, departed("b", 1, "p", 6, None), true),
            (&other_noticed, departed("b", 1, "p", 4, None), false),
            (&noticed, departed("b", 2, "p", 6, Some(3)), false),
            (&noticed, departed("b", 1, "q", 6, Some(3)), false),
            (&noticed, departed("c", 1, "p", 6, Some(3)), false),
        ] {
            assert_eq!(one.is_followed("b", &[one.clone(), other.clone()]), follows, "{other:?}");
        }
    }
}
