//! What a new daemon is told: how to reach the control database, where its files are and where it
//! logs.

use crate::cli::Session;
use crate::control::settings::Settings;
use crate::daemon::process::launch::Launch;
use crate::notice::log;
use std::path::{Path, PathBuf};

/// The daemon that the options and settings ask for. Paths that are relative start from the
/// caller's directory, which the daemon leaves.
pub fn launch(session: &Session, settings: &Settings, instance: String) -> Launch {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let (options, files) = (&session.options.start, &session.files);
    let piddir = here.join(&files.piddir);
    Launch {
        program: session.prog.clone(),
        extraname: options.extraname.clone().unwrap_or_default(),
        sendmail: options.sendmail,
        stays: options.exit_on_nosync.map_or(session.dialect().newer, |exits| !exits),
        dryrun: session.options.dryrun || std::env::var_os("BUCARDO_DRYRUN").is_some(),
        log_to_stdout: options.destinations.iter().any(|word| word == "stdout"),
        email_debug_file: email_debug_file(settings, &here),
        stopfile: piddir.join(&files.stopfile),
        reason_file: here.join(&files.reason_file),
        log: log_options(session, settings, &here),
        control: session.info.clone(),
        instance,
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
        showlevel: settings.flag("log_showlevel"),
        showtime: text("log_showtime").parse().unwrap_or(3),
        stderr: options.foreground,
        verbose: session.options.verbose.max(level(session, settings)),
    };
    log_to(session, log).rooted(here)
}

/// The option wins over the setting; both belong to the newer dialect.
fn level(session: &Session, settings: &Settings) -> u8 {
    let option = session.options.start.log_level.as_deref();
    verbosity(option.or_else(|| settings.text("log_level").ok()).unwrap_or_default())
}

/// What a word means: there is one step above the usual.
fn verbosity(level: &str) -> u8 {
    if ["verbose", "debug"].contains(&level.to_lowercase().as_str()) { 2 } else { 1 }
}

/// What the newer dialect says about where the log goes.
fn log_to(session: &Session, log: log::Options) -> log::Options {
    let options = &session.options.start;
    if options.destinations.is_empty() {
        return if session.dialect().newer { usual(session, log) } else { log };
    }
    let nothing = log::Options { file: false, syslog: options.debugsyslog_given && options.debugsyslog, ..log };
    options.destinations.iter().fold(nothing, |log, word| match word.as_str() {
        "none" => log,
        "stderr" | "stdout" => log::Options { stderr: true, ..log },
        "syslog" => log::Options { syslog: true, ..log },
        directory => log::Options { file: true, directory: PathBuf::from(directory), ..log },
    })
}

/// Without a word: the usual directory, if it is there for us, and no syslog.
fn usual(session: &Session, log: log::Options) -> log::Options {
    let options = &session.options.start;
    let usual = Path::new("/var/log/bucardo");
    let writable = nix::unistd::access(usual, nix::unistd::AccessFlags::W_OK).is_ok();
    let directory = if writable && !options.debugdir_given { usual.to_owned() } else { log.directory };
    log::Options { directory, syslog: options.debugsyslog_given && options.debugsyslog, ..log }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_the_four_levels_say_more() {
        assert_eq!(["terse", "normal", "VERBOSE", "debug", ""].map(verbosity), [1, 1, 2, 2, 1]);
    }
}
