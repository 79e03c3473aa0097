//! Relaying a COPY from one server to another, as bytes that nobody looks at.
//!
//! The driver hands out one row per message; gathering rows into chunks halves the client's work.
//! While one chunk is written the next is read, so neither server waits for the other. Memory stays
//! at two chunks (or two rows, where a row is larger) and what the driver has of a row, whatever
//! the size of the table. The statements decide in which form the rows come.

use crate::error::{Error, Kind, Result};
use crate::pg::{Connection, CopyOutReader};
use std::io::{BufRead, Write};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Bytes gathered before they are written; between 32 KiB and 1 MiB the speed was the same.
const CHUNK: usize = 128 << 10;

/// Copies the result of `query` on `source` into `into` (a table with its column list) on `target`,
/// and returns the number of rows. `tick` is called after each chunk with the number of its rows;
/// its error ends the copy. Where `encoding` is UTF8, it is chosen anew for the two.
pub fn copy(
    source: &mut Connection,
    query: &str,
    target: &mut Connection,
    into: &str,
    encoding: &str,
    tick: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<u64> {
    let passage = if encoding == "UTF8" { Passage::between(source, target)? } else { Passage::plain(encoding) };
    let fill = format!("copy {into} from stdin (encoding '{}')", passage.filled);
    relay(source, &format!("copy ({query}) to stdout (encoding '{}')", passage.drawn), target, &fill, passage.repairs, tick)
}

/// The encodings in which bytes leave one database and enter another.
struct Passage {
    drawn: String,
    filled: String,
    /// What is no text is shown as `<e4>` instead of being refused.
    repairs: bool,
}

impl Passage {
    fn plain(encoding: &str) -> Passage {
        Passage { drawn: encoding.to_owned(), filled: encoding.to_owned(), repairs: false }
    }

    /// Between databases of one encoding, whatever bytes there are pass as they are, also those
    /// that SQL_ASCII lets in. Other databases speak UTF8. The control database holds what people
    /// read: there, no bytes are a reason to stop.
    fn between(source: &mut Connection, target: &mut Connection) -> Result<Passage> {
        let (ours, theirs) = (source.encoding()?, target.encoding()?);
        let plain = ours.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        Ok(match (ours == theirs && plain, ours == NONE && !target.is_replicated()) {
            (true, _) => Passage::plain(&ours),
            (_, true) => Passage { drawn: ours, filled: "UTF8".to_owned(), repairs: true },
            _ => Passage::plain("UTF8"),
        })
    }
}

/// What a database has that holds bytes of any encoding.
const NONE: &str = "SQL_ASCII";

/// The same, with both statements as they are.
pub fn relay_raw(
    source: &mut Connection,
    draw: &str,
    target: &mut Connection,
    fill: &str,
    tick: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<u64> {
    relay(source, draw, target, fill, false, tick)
}

fn relay(
    source: &mut Connection,
    draw: &str,
    target: &mut Connection,
    fill: &str,
    repairs: bool,
    tick: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<u64> {
    let mut reader = source.copy_out(draw)?;
    let fill = target.prepare_cached(fill)?;
    let mut writer = target.copy_in(&fill)?;
    let mut put = |mut chunk: Chunk| {
        if repairs {
            chunk.bytes = repaired(&chunk.bytes).into_bytes();
        }
        // The driver keeps a copy of what it is given at once, and the room for it.
        chunk.bytes.chunks(CHUNK).try_for_each(|part| writer.write_all(part)).map_err(writing)?;
        tick(chunk.rows)
    };
    let first = gather(&mut reader)?;
    // Most relays are a handful of rows, which is not worth a thread.
    if first.is_last() {
        put(first)?
    } else {
        read_ahead(first, reader, put)?
    }
    Ok(writer.finish()?)
}

fn read_ahead(first: Chunk, reader: CopyOutReader, mut put: impl FnMut(Chunk) -> Result<()>) -> Result<()> {
    // No chunk waits in between: that made nothing faster, and rows can be large.
    let (full, chunks) = sync_channel(0);
    std::thread::scope(|scope| {
        scope.spawn(move || read_on(reader, &full));
        // Takes the receiving end along, so that an error of ours ends the reader, too.
        std::iter::once(Ok(first)).chain(chunks).try_for_each(|chunk| put(chunk?))
    })
}

/// Whole rows, as the source sent them.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    rows: u64,
}

impl Chunk {
    fn is_last(&self) -> bool {
        self.bytes.len() < CHUNK
    }
}

fn gather(reader: &mut CopyOutReader) -> Result<Chunk> {
    let mut chunk = Chunk::default();
    while chunk.is_last() {
        let row = reader.fill_buf().map_err(reading)?;
        if row.is_empty() {
            break;
        }
        let length = row.len();
        chunk.bytes.extend_from_slice(row);
        reader.consume(length);
        chunk.rows += 1;
    }
    Ok(chunk)
}

/// The same as text; a byte that belongs to none by its number. A chunk consists of whole rows, so
/// no character is cut.
fn repaired(bytes: &[u8]) -> String {
    bytes.utf8_chunks().fold(String::with_capacity(bytes.len()), |mut text, chunk| {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("<{byte:02x}>")));
        text
    })
}

/// Reads until the end, an error, or until nobody wants more.
fn read_on(mut reader: CopyOutReader, full: &SyncSender<Result<Chunk>>) {
    loop {
        let chunk = gather(&mut reader);
        let over = chunk.as_ref().map_or(true, Chunk::is_last);
        if full.send(chunk).is_err() || over {
            return;
        }
    }
}

fn reading(error: std::io::Error) -> Error {
    unwrapped(error, "reading from the source failed")
}

fn writing(error: std::io::Error) -> Error {
    unwrapped(error, "writing to the target failed")
}

/// The driver wraps its errors into I/O errors here; the SQLSTATE inside decides what is done about
/// it.
fn unwrapped(error: std::io::Error, what: &str) -> Error {
    match error.downcast::<postgres::Error>() {
        Ok(inner) => Error::from(inner).context(what),
        Err(error) => Error::new(Kind::Lost, what).caused_by(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_shown_by_their_numbers() {
        assert_eq!(repaired(b"a\xe4\tb\n"), "a<e4>\tb\n");
        assert_eq!(repaired("\u{e4}\u{20ac}\n".as_bytes()), "\u{e4}\u{20ac}\n");
        assert_eq!(repaired(b"\xe2\x82"), "<e2><82>");
    }
}
