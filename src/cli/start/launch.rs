//! What a new daemon is told: how to reach the control database, where its files are and where it logs.

use crate::cli::Session;
use crate::control::settings::Settings;
use crate::daemon::launch::Launch;
use crate::notice::log;
use std::path::{Path, PathBuf};

/// The daemon that the options and settings ask for. Paths that are relative start from the caller's directory, which the
/// daemon leaves.
pub fn launch(session: &Session, settings: &Settings) -> Launch {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let (options, files) = (&session.options.start, &session.files);
    let piddir = here.join(&files.piddir);
    Launch {
        program: session.prog.clone(),
        extraname: options.extraname.clone().unwrap_or_default(),
        sendmail: options.sendmail,
        email_debug_file: email_debug_file(settings, &here),
        stopfile: piddir.join(&files.stopfile),
        reason_file: here.join(&files.reason_file),
        log: log_options(session, settings, &here),
        control: session.info.clone(),
        piddir,
    }
}

/// The environment wins over the setting.
fn email_debug_file(settings: &Settings, here: &Path) -> Option<PathBuf> {
    let of_environment = std::env::var("BUCARDO_EMAIL_DEBUG_FILE").ok();
    let named = of_environment.or_else(|| settings.text("email_debug_file").ok().map(str::to_owned));
    named.filter(|name| !name.is_empty()).map(|name| here.join(name))
}

/// An rc file may name the file of warnings, too.
fn log_options(session: &Session, settings: &Settings, here: &Path) -> log::Options {
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
    log.rooted(here)
}
