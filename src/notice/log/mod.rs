//! The log. Every process of the daemon appends its own lines to one shared file,
//! `DEBUGDIR/log.bucardo[.NAME]`, each line with one `write(2)` so that lines of several processes
//! never mix; beside it go syslog and a file of warnings. The rest of the program just says
//! `log::info!`, `log::warn!` and `log::error!`.
//!
//! Only our own modules are heard. The driver's are not: it logs statements together with their
//! values.

mod file;
mod line;
mod options;
mod sinks;
mod syslog;

pub use options::Options;
pub use syslog::Facility;

use crate::error::{Error, Kind, Result};
use env_logger::{Builder, Logger, Target};
use sinks::Sinks;
use std::io::Write;
use std::sync::{Arc, OnceLock};

static SINKS: OnceLock<Arc<Sinks>> = OnceLock::new();

/// Opens the log of this process. `prefix` is the word before each message: `MCP`, `CTL`, `KID`.
///
/// After an error, what could be opened is in use all the same, and [`reopen`] may find the rest:
/// whoever starts a daemon should see the error, but a directory that became unwritable later is no
/// reason for a KID not to replicate.
pub fn init(options: &Options, prefix: &str) -> Result<()> {
    let (sinks, opened) = Sinks::open(options.clone(), prefix);
    let sinks = Arc::new(sinks);
    let installed = ::log::set_boxed_logger(Box::new(logger(&sinks))).is_ok() && SINKS.set(Arc::clone(&sinks)).is_ok();
    ::log::set_max_level(options.level());
    match installed {
        true => opened,
        false => Err(Error::new(Kind::Bug, "the log of this process is already open")),
    }
}

/// Opens the files anew under their names, after somebody moved them away (SIGHUP, logrotate). A
/// file that cannot be opened leaves the old one in use.
pub fn reopen() {
    if let Some(sinks) = SINKS.get() {
        sinks.reopen();
    }
}

/// Changes the word before each message.
pub fn set_prefix(prefix: &str) {
    if let Some(sinks) = SINKS.get() {
        sinks.set_prefix(prefix);
    }
}

fn logger(sinks: &Arc<Sinks>) -> Logger {
    let writer = Arc::clone(sinks);
    Builder::new()
        .filter_module("bucardo", sinks.level())
        .target(Target::Pipe(Box::new(sinks::Output(Arc::clone(sinks)))))
        .format(move |buffer, record| buffer.write_all(writer.take(record).as_bytes()))
        .build()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;
    use ::log::{Level, Log, Record};

    fn options(directory: &std::path::Path) -> Options {
        let warnings = directory.join("warnings").display().to_string();
        Options { directory: directory.to_owned(), warning_file: warnings, syslog: false, showtime: 0, ..Options::default() }
    }

    fn opened(options: Options, prefix: &str) -> Arc<Sinks> {
        let (sinks, opened) = Sinks::open(options, prefix);
        opened.unwrap();
        Arc::new(sinks)
    }

    fn say(logger: &Logger, target: &str, level: Level, text: &str) {
        logger.log(&Record::builder().target(target).level(level).args(format_args!("{text}")).build());
    }

    fn read(path: std::path::PathBuf) -> String {
        std::fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn our_lines_go_to_the_file_and_the_drivers_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let logger = logger(&opened(options(dir.path()), "MCP"));
        say(&logger, "bucardo::daemon", Level::Info, "Total delta count: 3");
        say(&logger, "tokio_postgres::query", Level::Error, "executing with parameters: [secret]");
        assert_eq!(read(dir.path().join("log.bucardo")), " MCP Total delta count: 3\n");
    }

    #[test]
    fn a_warning_is_kept_in_its_own_file_too() {
        let dir = tempfile::tempdir().unwrap();
        let logger = logger(&opened(options(dir.path()), "KID"));
        say(&logger, "bucardo", Level::Info, "quiet");
        say(&logger, "bucardo", Level::Info, "Warning! Aborting");
        say(&logger, "bucardo", Level::Info, "the server said ERROR:  no");
        say(&logger, "bucardo", Level::Error, "lost the connection");
        let kept = read(dir.path().join("warnings"));
        assert_eq!(kept, " KID Warning! Aborting\n KID the server said ERROR:  no\n KID lost the connection\n");
    }

    #[test]
    fn a_moved_file_is_left_alone_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let sinks = opened(options(dir.path()), "MCP");
        let logger = logger(&sinks);
        say(&logger, "bucardo", Level::Info, "one");
        std::fs::rename(dir.path().join("log.bucardo"), dir.path().join("old")).unwrap();
        say(&logger, "bucardo", Level::Info, "two");
        sinks.reopen();
        say(&logger, "bucardo", Level::Info, "three");
        assert_eq!(read(dir.path().join("old")), " MCP one\n MCP two\n");
        assert_eq!(read(dir.path().join("log.bucardo")), " MCP three\n");
    }

    #[test]
    fn separate_files_carry_prefix_and_pid() {
        let dir = tempfile::tempdir().unwrap();
        let separate = Options { separate: true, name: "blue".to_owned(), ..options(dir.path()) };
        let sinks = opened(separate, "BC!");
        sinks.set_prefix("CTL");
        say(&logger(&sinks), "bucardo", Level::Info, "here");
        let name = format!("log.bucardo.blue.CTL.{}", std::process::id());
        assert_eq!(read(dir.path().join(name)), " CTL here\n");
    }

    #[test]
    fn a_directory_that_is_away_for_a_while_costs_only_the_lines_of_that_while() {
        let dir = tempfile::tempdir().unwrap();
        let away = dir.path().join("away");
        let (sinks, opened) = Sinks::open(options(&away), "KID");
        assert!(opened.is_err());
        let sinks = Arc::new(sinks);
        say(&logger(&sinks), "bucardo", Level::Info, "lost");
        std::fs::create_dir(&away).unwrap();
        sinks.reopen();
        say(&logger(&sinks), "bucardo", Level::Info, "kept");
        assert_eq!(read(away.join("log.bucardo")), " KID kept\n");
    }
}
