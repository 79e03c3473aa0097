//! Relaying a COPY from one server to another, as bytes that nobody looks at.
//!
//! The driver hands out one row per message; gathering rows into larger writes halves the client's work, and memory stays at one
//! chunk whatever the size of the table. The text format is used throughout: the binary one is not promised across versions.

use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use std::io::{BufRead, Write};

/// Bytes gathered before they are written; between 32 KiB and 1 MiB the speed was the same.
const CHUNK: usize = 128 << 10;

/// Copies the result of `query` on `source` into `into` (a table with its column list) on `target`, and returns the number of rows. `tick` is
/// called after each chunk with the number of its rows; its error ends the copy.
pub fn copy(
    source: &mut Connection,
    query: &str,
    target: &mut Connection,
    into: &str,
    encoding: &str,
    tick: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<u64> {
    let fill = format!("copy {into} from stdin (encoding '{encoding}')");
    pour(source, &format!("copy ({query}) to stdout (encoding '{encoding}')"), target, &fill, tick)
}

/// The same, with both statements as they are.
pub fn pour(
    source: &mut Connection,
    draw: &str,
    target: &mut Connection,
    fill: &str,
    tick: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<u64> {
    let mut reader = source.copy_out(draw)?;
    let fill = target.keep(fill)?;
    let mut writer = target.copy_in(&fill)?;
    let mut gathered = Vec::with_capacity(CHUNK + (CHUNK >> 1));
    let mut rows = 0;
    loop {
        let row = reader.fill_buf().map_err(reading)?;
        if row.is_empty() {
            break;
        }
        let length = row.len();
        gathered.extend_from_slice(row);
        reader.consume(length);
        rows += 1;
        if gathered.len() >= CHUNK {
            writer.write_all(&gathered).map_err(writing)?;
            gathered.clear();
            tick(std::mem::take(&mut rows))?;
        }
    }
    writer.write_all(&gathered).map_err(writing)?;
    tick(rows)?;
    Ok(writer.finish()?)
}

fn reading(error: std::io::Error) -> Error {
    unwrapped(error, "reading from the source failed")
}

fn writing(error: std::io::Error) -> Error {
    unwrapped(error, "writing to the target failed")
}

/// The driver wraps its errors into I/O errors here; the SQLSTATE inside decides what is done about it.
fn unwrapped(error: std::io::Error, what: &str) -> Error {
    match error.downcast::<postgres::Error>() {
        Ok(inner) => Error::from(inner).context(what),
        Err(error) => Error::new(Kind::Lost, what).caused_by(error),
    }
}
