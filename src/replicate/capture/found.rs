//! What is there of the objects that capture a table.

use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::replicate::capture::objects::{Capture, Objects};

/// What is there of a capture's objects.
#[derive(Debug, Clone, Default)]
pub struct There {
    /// The ids of its tables and its sequence, if they are as they were made.
    pub objects: Option<Objects>,
    /// The source of its row trigger's function.
    pub row_function: Option<String>,
    /// That of its TRUNCATE trigger's function.
    pub truncate_function: Option<String>,
}

/// Looks for the objects of these captures, in one round trip.
pub fn objects(conn: &mut Connection, captures: &[&Capture]) -> Result<Vec<There>> {
    let quoted = |text: &String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let types = |capture: &&Capture| {
        let all: Vec<String> = capture.columns.iter().map(|column| quoted(&column.stored)).collect();
        format!("{{{}}}", all.join(","))
    };
    let (names, types): (Vec<&str>, Vec<String>) = captures.iter().map(|one| (one.names.base(), types(one))).unzip();
    let statement = conn.prepare_cached(&conn.ours(include_str!("../sql/capture_objects.sql")))?;
    let there = |row: &postgres::Row| {
        let oid = |at: usize| row.get::<_, Option<u32>>(at);
        let objects = || Some(Objects { delta: [oid(0)?, oid(1)?], generation: oid(2)? });
        There { objects: objects(), row_function: row.get(3), truncate_function: row.get(4) }
    };
    Ok(conn.query(&statement, &[&names, &types])?.iter().map(there).collect())
}

/// The captures with the ids of their objects.
pub fn with_objects<'a>(conn: &mut Connection, captures: &[&'a Capture]) -> Result<Vec<(&'a Capture, Objects)>> {
    let there = objects(conn, captures)?;
    let with = |(capture, there): (&&'a Capture, There)| {
        let missing =
            || Error::new(Kind::Mismatch, format!("The delta tables {} are not as they were made", capture.names.base()));
        there.objects.map(|objects| (*capture, objects)).ok_or_else(missing)
    };
    captures.iter().zip(there).map(with).collect()
}
