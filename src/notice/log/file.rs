//! A file that only grows, and may be moved away under us. Opened with `O_APPEND`, so that the
//! lines of many processes each arrive whole, one after the other.

use crate::error::Result;
use crate::files;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An appended file; `None` when it could not be opened.
pub struct Appended(Mutex<Option<File>>);

impl Appended {
    /// Wraps what was opened.
    pub fn new(file: Option<File>) -> Appended {
        Appended(Mutex::new(file))
    }

    /// Writes a line. A full disk must not stop replication: what cannot be written is lost.
    pub fn write(&self, line: &[u8]) {
        if let Some(file) = self.lock().as_mut() {
            let _ = file.write_all(line);
        }
    }

    /// Uses another file from now on.
    pub fn replace(&self, file: File) {
        *self.lock() = Some(file);
    }

    fn lock(&self) -> MutexGuard<'_, Option<File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a file for appending and makes it if need be.
pub fn open(path: &Path) -> Result<File> {
    files::append(path)
}
