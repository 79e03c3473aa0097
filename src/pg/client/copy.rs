//! The two directions of COPY, as readers and writers.

use super::{Answer, Driver};
use bytes::{Buf, Bytes};
use futures_util::{SinkExt, StreamExt};
use postgres::{CopyInSink, CopyOutStream};
use std::io::{self, BufRead, Read, Write};
use std::pin::Pin;

/// How much is gathered before it goes to the server.
const GATHERED: usize = 4096;

/// What a COPY ... FROM STDIN is given. Without [`CopyInWriter::finish`] the server takes nothing
/// of it.
pub struct CopyInWriter<'a> {
    driver: &'a mut Driver,
    sink: Pin<Box<CopyInSink<Bytes>>>,
    gathered: Vec<u8>,
}

impl<'a> CopyInWriter<'a> {
    pub(super) fn new(driver: &'a mut Driver, sink: CopyInSink<Bytes>) -> CopyInWriter<'a> {
        CopyInWriter { driver, sink: Box::pin(sink), gathered: Vec::new() }
    }

    /// Ends it; returns the number of rows.
    pub fn finish(mut self) -> Answer<u64> {
        self.send()?;
        self.driver.run(self.sink.as_mut().finish())
    }

    fn send(&mut self) -> Answer<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let bytes = Bytes::from(std::mem::take(&mut self.gathered));
        self.driver.run(self.sink.send(bytes))
    }
}

impl Write for CopyInWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.len() > GATHERED {
            self.flush()?;
        }
        self.gathered.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send().map_err(io::Error::other)
    }
}

/// What a COPY ... TO STDOUT sends: at a time what the server sent at a time, which is a row.
pub struct CopyOutReader<'a> {
    driver: &'a mut Driver,
    stream: Pin<Box<CopyOutStream>>,
    row: Bytes,
}

impl<'a> CopyOutReader<'a> {
    pub(super) fn new(driver: &'a mut Driver, stream: CopyOutStream) -> CopyOutReader<'a> {
        CopyOutReader { driver, stream: Box::pin(stream), row: Bytes::new() }
    }
}

impl BufRead for CopyOutReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.row.is_empty() {
            let stream = &mut self.stream;
            match self.driver.run(async { stream.next().await.transpose() }).map_err(io::Error::other)? {
                Some(row) => self.row = row,
                None => break,
            }
        }
        Ok(&self.row)
    }

    fn consume(&mut self, count: usize) {
        self.row.advance(count);
    }
}

impl Read for CopyOutReader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let row = self.fill_buf()?;
        let count = row.len().min(bytes.len());
        bytes[..count].copy_from_slice(&row[..count]);
        self.consume(count);
        Ok(count)
    }
}
