//! What a new daemon is told: how to reach the control database, where to log, how to call itself.

use crate::cli::Session;
use crate::control::settings::Settings;
use crate::error::{Error, Kind, Result};
use crate::notice::log;
use crate::pg::ConnInfo;
use std::path::PathBuf;

/// A daemon to be started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// How to reach the control database.
    pub control: ConnInfo,
    /// The program's name, for the pid file.
    pub program: String,
    /// Where to log.
    pub log: log::Options,
    /// Appended to process titles.
    pub extraname: String,
    /// Send mail.
    pub sendmail: bool,
    /// Stay in the foreground.
    pub foreground: bool,
}

/// The daemon that the options and settings ask for.
pub fn launch(session: &Session, settings: &Settings) -> Launch {
    let options = &session.options.start;
    Launch {
        control: session.info.clone(),
        program: session.prog.clone(),
        log: log_options(session, settings),
        extraname: options.extraname.clone().unwrap_or_default(),
        sendmail: options.sendmail,
        foreground: options.foreground,
    }
}

/// Paths that are relative start from the caller's directory, which the daemon leaves. An rc file may name the file of
/// warnings, too.
fn log_options(session: &Session, settings: &Settings) -> log::Options {
    let options = &session.options.start;
    let warning_file = session.options.unknown.get("warning_file").map(String::as_str);
    let text = |name: &str| settings.text(name).unwrap_or_default().to_owned();
    let log = log::Options {
        file: options.debugfile,
        directory: PathBuf::from(&options.debugdir),
        name: options.debugname.clone().unwrap_or_default(),
        separate: options.debugfilesep,
        syslog: options.debugsyslog,
        facility: text("syslog_facility"),
        warning_file: warning_file.map_or_else(|| text("warning_file"), str::to_owned),
        showpid: settings.flag("log_showpid"),
        showtime: text("log_showtime").parse().unwrap_or(3),
        stderr: options.foreground,
        verbose: session.options.verbose.max(1),
    };
    log.rooted(&std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")))
}

/// Starts it and waits until it is ready.
pub fn start(_launch: &Launch) -> Result<i32> {
    Err(Error::new(Kind::Bug, "there is no daemon in this build"))
}
