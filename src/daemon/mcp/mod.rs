//! The MCP: the master of the daemon.
//!
//! It starts a controller for each active sync and another when one dies, hears kicks on the
//! sources and from clients, answers requests, and stops everything when told: by SIGTERM, by the
//! stop file, by a notification. When the control database is away it waits for it.

mod database_tests;
mod guards;
mod housekeeping;
mod instance_lock;
mod main_loop;
mod orders;
mod public_orders;
mod reloads;
mod requests;
mod source_listeners;
mod standing;
#[cfg(test)]
mod standing_model;
mod startup;
mod syncs;
mod trouble;
mod validators;

use crate::daemon::process::backoff;
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::launch::Launch;
use crate::daemon::process::mail_texts;
use crate::daemon::process::mailer::Mailer;
use crate::daemon::process::role::Role;
use crate::daemon::process::signals::Signals;
use crate::error::Result;
use crate::pg::connect::Connecting;
use crate::pg::wait;
use main_loop::Mcp;
use startup::Startup;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

/// How long controllers may take to leave when asked; their kids take most of it.
const PATIENCE: Duration = Duration::from_millis(1500);
/// Who lived this long did not fail at starting.
const LIVED: Duration = Duration::from_secs(5);
/// The longest pause between tries to reach the control database.
const LONGEST_ABSENCE: Duration = Duration::from_secs(10);

/// Runs the MCP until it is stopped; returns its exit code.
pub fn run(launch: Launch) -> u8 {
    let startup = match Startup::prepare(&launch) {
        Ok(startup) => startup,
        Err(error) => {
            startup::answer(&launch, &error.to_string());
            return error.code().min(1);
        }
    };
    let outcome = supervise(&launch, &startup);
    match outcome {
        Ok(reason) => {
            log::info!("MCP exiting. Reason: {reason}");
            0
        }
        Err(error) => {
            log::error!("Warning: Killed: {error}");
            startup::answer(&launch, &error.to_string());
            1
        }
    }
}

/// Serves, and begins again whenever something is wrong with the control database; returns why it
/// ends. Only what goes wrong at the very first start is final.
fn supervise(launch: &Launch, startup: &Startup) -> Result<String> {
    let mut signals = Signals::of_master()?;
    let mut failures = 0;
    let mut first = true;
    let mut mailer = Mailer::default();
    loop {
        let session = match open_control(launch, startup, signals, first)? {
            Ok(session) => session,
            Err(reason) => return Ok(reason),
        };
        let mut mcp = Mcp::new(launch, startup, session, &mut mailer);
        let began = Instant::now();
        let begun = mcp.begin(first);
        if begun.is_ok() {
            mcp.tell_begun(first, failures);
            first = false;
        }
        let outcome = begun.and_then(|()| mcp.serve());
        signals = mcp.end(&outcome);
        if began.elapsed() > LIVED {
            failures = 0;
        }
        match outcome {
            Err(error) if !first => {
                log::warn!("Warning! Trouble with the control database, beginning again: {error}");
                if failures == 0 {
                    mailer.send(mail_texts::mcp_killed(&mailer.about(launch), &error.to_string()), launch);
                }
            }
            other => return other,
        }
        failures += 1;
        let pause = backoff::pause(failures).min(LONGEST_ABSENCE);
        if let Some(reason) = watched(startup, &mut signals, None, Instant::now() + pause)? {
            return Ok(reason);
        }
    }
}

/// The control database, or why we stop while waiting for it. The first time, an error is final:
/// whoever starts us wants to see it.
fn open_control(
    launch: &Launch,
    startup: &Startup,
    mut signals: Signals,
    first: bool,
) -> Result<std::result::Result<ControlSession, String>> {
    let info = launch.control.named(Role::Mcp.application_name("control"));
    let mut failures = 0;
    loop {
        let prepared = match Connecting::start(&info) {
            Ok(connecting) => {
                if let Some(reason) = watched(startup, &mut signals, Some(connecting.fd()), connecting.deadline())? {
                    return Ok(Err(reason));
                }
                connecting.finish().and_then(ControlSession::prepared)
            }
            Err(error) => Err(error),
        };
        match prepared {
            Ok(prepared) => return Ok(Ok(ControlSession::at(prepared, signals))),
            Err(error) if first => return Err(error),
            Err(_) => failures += 1,
        }
        let pause = backoff::pause(failures + 1).min(LONGEST_ABSENCE);
        if let Some(reason) = watched(startup, &mut signals, None, Instant::now() + pause)? {
            return Ok(Err(reason));
        }
    }
}

/// Waits for a descriptor or a time, with an eye on reasons to stop.
fn watched(startup: &Startup, signals: &mut Signals, fd: Option<RawFd>, until: Instant) -> Result<Option<String>> {
    let fds: Vec<RawFd> = [startup.fd(), signals.fd()].into_iter().chain(fd).collect();
    loop {
        let ready = wait(&fds, Some(until.saturating_duration_since(Instant::now())))?;
        let reason = startup.stop_reason(signals);
        if reason.is_some() || ready.timed_out() || fd.is_some_and(|fd| ready.has(fd)) {
            return Ok(reason);
        }
    }
}
