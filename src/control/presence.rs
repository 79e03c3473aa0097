//! Whether a daemon runs for this control database, and which process that is (table `presence`).
//! The one place that answers this: a pid file tells of a directory, which can be removed, shared,
//! or on another machine. A daemon takes the place before it serves, so that there is one.

use crate::control::upgrade::lacks_something;
use crate::error::Result;
use crate::pg::template::body;
use crate::pg::{Connection, fill};
use std::fs;
use std::path::Path;

/// A process, told from all others on all machines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// The machine's name, for people.
    pub host: String,
    /// The kernel's id of the machine's present boot.
    boot: String,
    /// The process id.
    pub pid: i32,
    /// When it began, in the kernel's own count.
    ticks: i64,
}

impl Process {
    /// This process.
    pub fn own() -> Process {
        let pid = i32::try_from(std::process::id()).unwrap_or_default();
        Process { host: host(), boot: boot(), pid, ticks: ticks(pid).unwrap_or_default() }
    }

    /// Whether it runs on this machine, and has not ended.
    pub fn lives_here(&self) -> bool {
        self.is_here() && ticks(self.pid) == Some(self.ticks)
    }

    /// Whether its machine is this one, not booted anew since.
    pub fn is_here(&self) -> bool {
        !self.boot.is_empty() && self.boot == boot()
    }
}

fn host() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default()
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// When a process began. None where there is none, or only a corpse.
fn ticks(pid: i32) -> Option<i64> {
    ticks_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The second field is the program's name in parentheses and may contain anything; the third is the
/// state, the 22nd the beginning.
fn ticks_in(stat: &str) -> Option<i64> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    let state = fields.next()?;
    if ["Z", "X"].contains(&state) { None } else { fields.nth(18)?.parse().ok() }
}

/// The daemon that served last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Daemon {
    /// Its master process. Unknown (pid 0) for a daemon of an earlier version.
    pub master: Process,
    /// Where its pid files are.
    pub piddir: String,
    /// The same directory, told from all others on all machines.
    pub directory: String,
    /// The server process of its session.
    pub backend: i32,
    /// From where its session comes.
    pub address: String,
    /// It left in good order.
    pub ended: bool,
}

impl Daemon {
    /// Its process and its machine.
    pub fn label(&self) -> String {
        match self.master.pid {
            0 => "the daemon".to_owned(),
            pid => format!("the daemon on host \"{}\" (PID {pid})", self.master.host),
        }
    }
}

/// What is known of a daemon for this control database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// One serves, or is about to come back after trouble with the control database.
    Serves(Daemon),
    /// A start is under way.
    Awaited,
    /// None runs. The last one is named if it is known.
    Absent(Option<Daemon>),
}

impl Presence {
    /// The daemon, if one serves.
    pub fn daemon(&self) -> Option<&Daemon> {
        match self {
            Presence::Serves(daemon) => Some(daemon),
            Presence::Awaited | Presence::Absent(_) => None,
        }
    }
}

/// The daemon that is recorded, and whether its session is there.
struct Recorded {
    daemon: Daemon,
    session: bool,
    awaited: bool,
    returns: bool,
}

/// A statement with the expression for what tells this control database from its copies.
fn of_instance(sql: &str) -> String {
    fill(sql, &[("instance", &body(include_str!("sql/own_instance.sql")))])
}

fn recorded(control: &mut Connection) -> Result<Option<Recorded>> {
    let row = control.query_opt(&of_instance(include_str!("sql/presence.sql")), &[])?;
    Ok(row.map(|row| {
        let master = Process { host: row.get("host"), boot: row.get("boot"), pid: row.get("pid"), ticks: row.get("ticks") };
        let daemon = Daemon {
            master,
            piddir: row.get("piddir"),
            directory: row.get("directory"),
            backend: row.get("backend"),
            address: row.get("address"),
            ended: row.get("ended"),
        };
        Recorded { daemon, session: row.get("session"), awaited: row.get("awaited"), returns: row.get("returns") }
    }))
}

/// Whether a daemon serves this control database.
pub fn presence(control: &mut Connection) -> Result<Presence> {
    let recorded = if has_place(control)? { recorded(control)? } else { None };
    let Some(Recorded { daemon, session, awaited, returns }) = recorded else { return without_row(control) };
    // What runs on this machine can be seen here.
    let is_back_soon = if daemon.master.is_here() { daemon.master.lives_here() } else { returns };
    if session || (!daemon.ended && is_back_soon) {
        return Ok(Presence::Serves(daemon));
    }
    if awaited {
        return Ok(Presence::Awaited);
    }
    match without_row(control)? {
        Presence::Absent(_) => Ok(Presence::Absent(Some(daemon).filter(|daemon| daemon.master.pid != 0))),
        other => Ok(other),
    }
}

/// Whether there is a place for the record. Before an upgrade there is none.
fn has_place(control: &mut Connection) -> Result<bool> {
    let sql = "select exists (select from pg_catalog.pg_attribute \
               where attrelid = to_regclass('bucardo.presence') and attname = 'instance' and not attisdropped)";
    Ok(control.query_one(sql, &[])?.get(0))
}

/// One of an earlier version leaves no row, but has its session here.
fn without_row(control: &mut Connection) -> Result<Presence> {
    let session: bool = control.query_one(include_str!("sql/presence_session.sql"), &[])?.get(0);
    Ok(if session { Presence::Serves(Daemon::default()) } else { Presence::Absent(None) })
}

/// Makes this session that of the daemon, and this process its master, unless another daemon's
/// session is there: that daemon is returned. Two that try at the same time wait for one another.
pub fn claim(control: &mut Connection, piddir: &Path, directory: &str) -> Result<Option<Daemon>> {
    if !has_place(control)? {
        return Err(lacks_something());
    }
    // The sessions are looked at once in a transaction: after the turn has come.
    control.within("begin; select bucardo.take_turn('daemon')", |control| {
        let own: i32 = control.query_one("select pg_catalog.pg_backend_pid()", &[])?.get(0);
        let other = recorded(control)?.filter(|recorded| recorded.session && recorded.daemon.backend != own);
        if other.is_none() {
            let Process { host, boot, pid, ticks } = Process::own();
            let piddir = piddir.display().to_string();
            control.execute(
                &of_instance(include_str!("sql/record_presence.sql")),
                &[&host, &boot, &pid, &ticks, &piddir, &directory],
            )?;
        }
        Ok(other.map(|recorded| recorded.daemon))
    })
}

/// This process does not serve any more.
pub fn leave(control: &mut Connection) -> Result<()> {
    if !has_place(control)? {
        return Ok(());
    }
    let Process { boot, pid, ticks, .. } = Process::own();
    let sql = "update bucardo.presence set ended = clock_timestamp() where (boot, pid, ticks) = ($1, $2, $3)";
    control.execute(sql, &[&boot, &pid, &ticks])?;
    Ok(())
}

/// A start is under way, for so many seconds; with 0, it is not any more.
pub fn expect(control: &mut Connection, seconds: i32) -> Result<()> {
    if !has_place(control)? {
        return Ok(());
    }
    control.execute(&of_instance("delete from bucardo.presence where instance not in ('', {instance})"), &[])?;
    let sql = "insert into bucardo.presence as d (awaited, ended, instance) \
               values (clock_timestamp() + make_interval(secs => $1), clock_timestamp(), {instance}) \
               on conflict (single) do update set awaited = excluded.awaited";
    control.execute(&of_instance(sql), &[&f64::from(seconds)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_here_and_another_with_its_number_does_not() {
        let own = Process::own();
        assert!(own.lives_here());
        assert!(!Process { ticks: own.ticks + 1, ..own.clone() }.lives_here());
        assert!(!Process { boot: "another".into(), ..own.clone() }.is_here());
        assert!(!Process::default().lives_here());
    }

    #[test]
    fn a_corpse_has_no_beginning() {
        let stat = |state: &str| format!("7 (a) b) {state} 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 200");
        assert_eq!(ticks_in(&stat("S")), Some(98765));
        assert_eq!(ticks_in(&stat("Z")), None);
        assert_eq!(ticks_in("nothing"), None);
    }
}
