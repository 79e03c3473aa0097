//! Starting processes: what each is told, and how. A child is this binary executed again through
//! `/proc/self/exe` (so it is the version its parent runs, even when the file was replaced), its
//! title as `argv[0]`, its orders as TOML on standard input: nothing secret is in an argument or
//! the environment, where others could read it.

use crate::daemon::process::role::Role;
use crate::daemon::process::title;
use crate::error::{Error, Kind, Result};
use crate::notice::log::Options as LogOptions;
use crate::pg::ConnInfo;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Tells a process of the daemon which one it is; see [`Role`].
pub const ROLE_VARIABLE: &str = "BUCARDO_ROLE";
/// Tells it who its parent is, so that it notices if that one is gone before it could be watched.
pub const PARENT_VARIABLE: &str = "BUCARDO_PPID";
/// Set for an MCP that stays in the foreground.
pub const FOREGROUND_VARIABLE: &str = "BUCARDO_FOREGROUND";
/// What the MCP writes to its standard output once it runs.
pub const READY: &str = "ready";

/// What every process of one daemon is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// The program as it was called, for the pid file.
    pub program: String,
    /// Added to all titles, in parentheses.
    #[serde(default)]
    pub extraname: String,
    /// Whether mails are sent.
    #[serde(default)]
    pub sendmail: bool,
    /// A file that gets a copy of each mail, also when none is sent.
    #[serde(default)]
    pub email_debug_file: Option<PathBuf>,
    /// Whether the daemon goes on where there is no active sync.
    #[serde(default)]
    pub stays: bool,
    /// Rounds are rolled back at their end.
    #[serde(default)]
    pub dryrun: bool,
    /// Lines of the log go to the caller's standard output instead of its standard error.
    #[serde(default)]
    pub log_to_stdout: bool,
    /// Which control database this is, for the pid files.
    #[serde(default)]
    pub instance: String,
    /// The directory of pid files and the stop file.
    pub piddir: PathBuf,
    /// The file whose existence asks the daemon to stop.
    pub stopfile: PathBuf,
    /// Where the reason for a start or stop is handed over.
    pub reason_file: PathBuf,
    /// Where the log goes.
    pub log: LogOptions,
    /// The control database.
    pub control: ConnInfo,
}

impl Launch {
    /// ` (NAME)` when there is an extra name, for titles.
    pub fn extra(&self) -> String {
        if self.extraname.is_empty() { String::new() } else { format!(" ({})", self.extraname) }
    }
}

/// The orders a process reads from its standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Orders {
    /// Who it is.
    pub role: Role,
    /// What all are told.
    pub launch: Launch,
}

impl Orders {
    /// Reads the orders: everything up to the end of standard input.
    pub fn read() -> Result<Orders> {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| Error::new(Kind::Bug, "a process of the daemon got no orders").caused_by(error))?;
        toml::from_str(&text)
            .map_err(|error| Error::new(Kind::Bug, "a process of the daemon got garbled orders").caused_by(error))
    }

    fn text(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::new(Kind::Bug, "orders cannot be written").caused_by(error))
    }
}

/// Starts the daemon in the background and waits until it runs or says why it cannot. Returns the
/// MCP's process id.
pub fn start(launch: &Launch) -> Result<i32> {
    let orders = Orders { role: Role::Mcp, launch: launch.clone() };
    let mut command = command(&orders);
    command.env(PARENT_VARIABLE, "0").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stream(launch)?);
    let mut child = command.spawn().map_err(cannot_start)?;
    give(&mut child, &orders)?;
    let mut answer = String::new();
    if let Some(out) = child.stdout.take() {
        // Whatever goes wrong while reading shows as an empty answer.
        let _ = BufReader::new(out).read_line(&mut answer);
    }
    if answer.trim_end() != READY {
        // It removes its pid file before it is gone.
        let _ = child.wait();
    }
    match answer.trim_end() {
        READY => Ok(pid_of(&child)),
        "" => Err(Error::new(Kind::Bug, "the daemon died while it started").hint("See its log.")),
        reason => Err(Error::new(Kind::Refused, reason).exit_code(1)),
    }
}

/// Where what the daemon writes to its standard error goes: nowhere, unless its log shall be there.
fn stream(launch: &Launch) -> Result<Stdio> {
    match (launch.log.stderr, launch.log_to_stdout) {
        (false, _) => Ok(Stdio::null()),
        (true, false) => Ok(Stdio::inherit()),
        (true, true) => Ok(Stdio::from(std::io::stdout().as_fd().try_clone_to_owned().map_err(cannot_start)?)),
    }
}

/// Turns this very process into the MCP, for service managers that watch it. Returns only if that
/// fails.
pub fn become_mcp(launch: &Launch) -> Error {
    match foreground(launch) {
        Err(error) => error,
        Ok(error) => cannot_start(error),
    }
}

fn foreground(launch: &Launch) -> Result<std::io::Error> {
    let orders = Orders { role: Role::Mcp, launch: launch.clone() };
    let (reader, mut writer) = UnixStream::pair().map_err(cannot_start)?;
    // The kernel keeps far more than the few hundred bytes of orders before anybody reads.
    writer.write_all(orders.text()?.as_bytes()).map_err(cannot_start)?;
    drop(writer);
    let mut command = command(&orders);
    command.env(PARENT_VARIABLE, "0").env(FOREGROUND_VARIABLE, "1").stdin(Stdio::from(OwnedFd::from(reader)));
    if launch.log_to_stdout {
        command.stderr(stream(launch)?);
    }
    Ok(command.exec())
}

fn cannot_start(error: std::io::Error) -> Error {
    Error::new(Kind::File, "the daemon cannot be started").caused_by(error)
}

/// Starts a child of this process and returns its id. Only from the main thread: a child dies with
/// the thread that started it.
pub fn spawn(role: Role, launch: &Launch) -> Result<i32> {
    let orders = Orders { role, launch: launch.clone() };
    let mut command = command(&orders);
    command.env(PARENT_VARIABLE, std::process::id().to_string()).stdin(Stdio::piped());
    let failed = |error| Error::new(Kind::File, format!("cannot start {}", orders.role.title(launch))).caused_by(error);
    let mut child = command.spawn().map_err(failed)?;
    give(&mut child, &orders)?;
    Ok(pid_of(&child))
}

fn command(orders: &Orders) -> Command {
    let mut command = Command::new("/proc/self/exe");
    let title = title::with_room(&orders.role.title(&orders.launch), orders.role.title_room());
    command.arg0(title).env(ROLE_VARIABLE, orders.role.word());
    command
}

/// A child that dies before it has read everything shows that by dying.
fn give(child: &mut Child, orders: &Orders) -> Result<()> {
    let text = orders.text()?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(text.as_bytes());
    }
    Ok(())
}

fn pid_of(child: &Child) -> i32 {
    // Process ids of Linux are positive and below 2^22.
    i32::try_from(child.id()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use crate::pg::Secret;

    #[test]
    fn orders_arrive_as_they_were_given() {
        let launch = Launch {
            program: "./bucardo_ctl".into(),
            extraname: "night".into(),
            sendmail: true,
            email_debug_file: Some("/tmp/mails".into()),
            stays: true,
            dryrun: true,
            log_to_stdout: false,
            instance: "instance 7.1.5432".into(),
            piddir: "/run/b".into(),
            stopfile: "/run/b/stop".into(),
            reason_file: "/run/b/reason".into(),
            log: LogOptions::default(),
            control: ConnInfo { password: Some(Secret::new("pa\"ss")), ..ConnInfo::default() },
        };
        let orders = Orders { role: Role::Val { sync: "s".into() }, launch };
        let back: Orders = toml::from_str(&orders.text().unwrap()).unwrap();
        assert_eq!((back.role, back.launch), (orders.role, orders.launch));
    }
}
