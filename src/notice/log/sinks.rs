//! Where a message goes: the log file, the file of warnings, syslog, standard error.

use super::file::{self, Appended};
use super::syslog::Syslog;
use super::{Facility, Options, line};
use crate::error::Result;
use crate::plain;
use log::{LevelFilter, Record};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

/// Everything this process logs to.
pub struct Sinks {
    options: Options,
    prefix: RwLock<String>,
    file: Appended,
    syslog: Option<Syslog>,
}

impl Sinks {
    /// Opens what `options` ask for, and says what could not be opened. What could is in use all
    /// the same.
    pub fn open(options: Options, prefix: &str) -> (Sinks, Result<()>) {
        let file = options.path(prefix, std::process::id()).as_deref().map(file::open).transpose();
        let facility = options.syslog.then(|| Facility::named(&options.facility)).transpose();
        let (file, file_problem) = apart(file);
        let (facility, facility_problem) = apart(facility);
        let sinks = Sinks {
            options,
            prefix: RwLock::new(prefix.to_owned()),
            file: Appended::new(file),
            syslog: facility.map(Syslog::new),
        };
        (sinks, file_problem.and(facility_problem))
    }

    /// The level of the messages that are written.
    pub fn level(&self) -> LevelFilter {
        self.options.level()
    }

    /// Changes the word before each message, and the file if that is named after it.
    pub fn set_prefix(&self, prefix: &str) {
        *self.prefix.write().unwrap_or_else(PoisonError::into_inner) = prefix.to_owned();
        if self.options.separate {
            self.reopen();
        }
    }

    /// Opens the files anew under their names.
    pub fn reopen(&self) {
        let path = self.options.path(&self.prefix(), std::process::id());
        if let Some(file) = path.and_then(|path| file::open(&path).ok()) {
            self.file.replace(file);
        }
    }

    /// Sends a message to syslog and to the file of warnings, and returns its line for the log
    /// file.
    pub fn take(&self, record: &Record) -> String {
        let (message, prefix) = (record.args().to_string(), self.prefix());
        let now = SystemTime::now();
        let pid = self.options.showpid.then(std::process::id);
        let level = self.options.showlevel.then(|| line::level(record.level()));
        let line = line::line(&line::header(level, pid, line::time(self.options.showtime, now)), &prefix, &message);
        if line::is_warning(record.level(), &message) {
            self.keep_warning(line.as_bytes());
        }
        if let Some(syslog) = &self.syslog {
            syslog.send(now, &plain::line(&format!("{prefix} {message}")));
        }
        line
    }

    /// Opened for each line, because there are few: so it can be moved away at any time. It is left
    /// out where its default place, the directory in which `start` was called, cannot be written.
    fn keep_warning(&self, line: &[u8]) {
        if !self.options.warning_file.is_empty() {
            let file = file::open(Path::new(&self.options.warning_file)).ok();
            Appended::new(file).write(line);
        }
    }

    fn write(&self, line: &[u8]) {
        self.file.write(line);
        if self.options.stderr {
            let _ = io::stderr().write_all(line);
        }
    }

    fn prefix(&self) -> String {
        self.prefix.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What there is, and what went wrong.
fn apart<T>(outcome: Result<Option<T>>) -> (Option<T>, Result<()>) {
    match outcome {
        Ok(value) => (value, Ok(())),
        Err(error) => (None, Err(error)),
    }
}

/// The end of the pipe `env_logger` writes finished lines into.
pub struct Output(pub Arc<Sinks>);

impl Write for Output {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
