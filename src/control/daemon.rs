//! Which daemon serves the control database. It is noted in a row of `bucardo.daemon`, and serves as long as the session in which it noted itself lives.
//! Only roles that may write the control schema can write that row; an advisory lock, which would do otherwise, can be taken by any role.

use crate::error::Result;
use crate::pg::Connection;

const DAEMON: &str = include_str!("sql/daemon.sql");
const CLAIM: &str = include_str!("sql/claim_daemon.sql");

/// A daemon that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// The server process of its session.
    pub session: i32,
    /// The process id of its master, on its machine.
    pub pid: i32,
    /// The name of its machine.
    pub host: String,
    /// Its directory of pid files, told from all others on all machines.
    pub directory: String,
    /// When it began to serve.
    pub started: String,
    /// From where its session comes.
    pub address: String,
}

/// The daemon that serves this control database now.
pub fn running(control: &mut Connection) -> Result<Option<Daemon>> {
    if !control.query_one("select to_regclass('bucardo.daemon') is not null", &[])?.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = control.query_opt(DAEMON, &[])?;
    Ok(row.map(|row| Daemon {
        session: row.get(0),
        pid: row.get(1),
        host: row.get(2),
        directory: row.get(3),
        started: row.get(4),
        address: row.get(5),
    }))
}

/// Makes this session that of the daemon, unless another daemon runs, which is returned. Two that try at the same time wait for one another.
pub fn claim(control: &mut Connection, directory: &str, host: &str, pid: i32) -> Result<Option<Daemon>> {
    // The sessions are looked at once in a transaction: after the turn has come.
    control.within("begin; select bucardo.take_turn('daemon')", |control| {
        let own: i32 = control.query_one("select pg_catalog.pg_backend_pid()", &[])?.get(0);
        let other = running(control)?.filter(|daemon| daemon.session != own);
        if other.is_none() {
            control.execute(CLAIM, &[&directory, &host, &pid])?;
        }
        Ok(other)
    })
}
