//! One daemon for each control database. A pid file tells of a daemon on this machine that uses the same directory; of others, on other
//! machines too, an advisory lock in the control database does, which an MCP's session holds as long as it lives.
//!
//! A session can outlive its daemon, when the network is cut or a machine dies and the server has not found out. With a second lock, a session
//! says to which directory of pid files it belongs: whoever has its pid file there knows that all others of this directory are dead.

use crate::daemon::desk::Desk;
use crate::daemon::pidfile::STEP;
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long another daemon may take to leave, if it is about to.
const OTHERS: Duration = Duration::from_secs(4);

/// A server that lost a client without a word finds out within a minute. Sockets that never leave the machine have no such settings.
const ATTENTIVE: &str = "set tcp_keepalives_idle = 30; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3";

/// The locks' numbers mean nothing else.
const TAKE: &str = "select pg_catalog.pg_try_advisory_lock(4450003)";
const MARK: &str = "select from pg_catalog.pg_advisory_lock_shared(4450004, pg_catalog.hashtext($1))";

/// Who has the lock, from where, and whether he belongs to the same directory.
const HOLDER: &str = "select l.pid, coalesce(host(a.client_addr), 'the server''s machine'), exists (
        select from pg_catalog.pg_locks m where m.pid = l.pid and m.locktype = 'advisory' and m.classid = 4450004 and m.objsubid = 2
          and m.objid = (pg_catalog.hashtext($1)::bigint & 4294967295)::oid)
    from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid = 4450003 and l.objsubid = 1
      and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())";

/// Takes the place of the one who serves the control database, for this session and the daemon whose pid file is in `piddir`. A session of an
/// earlier one there is ended; if it is another daemon's, that is [`Kind::Refused`].
pub(super) fn take(desk: &mut Desk, piddir: &Path) -> Result<()> {
    let directory = identity(piddir)?;
    desk.control.batch(ATTENTIVE)?;
    desk.control.query_opt(MARK, &[&directory])?;
    let end = Instant::now() + OTHERS;
    while !desk.control.query_one(TAKE, &[])?.get::<_, bool>(0) {
        match holder(&mut desk.control, &directory)? {
            Some(Holder { process, ours: true, .. }) => {
                desk.control.execute("select pg_catalog.pg_terminate_backend($1)", &[&process])?;
            }
            Some(other) if Instant::now() >= end => return Err(other.refuses()),
            _ => {}
        }
        sleep(STEP);
    }
    Ok(())
}

/// What tells a directory from all others, under whatever name and on whatever machine.
fn identity(piddir: &Path) -> Result<String> {
    let unknown = |error| Error::new(Kind::File, format!("Cannot look at directory \"{}\"", piddir.display())).caused_by(error);
    let directory = fs::metadata(piddir).map_err(unknown)?;
    let machine = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Ok(format!("{} {} {}", machine.trim(), directory.dev(), directory.ino()))
}

/// Who has the place.
struct Holder {
    /// The server's process for his session.
    process: i32,
    place: String,
    /// He belongs to our directory.
    ours: bool,
}

fn holder(control: &mut Connection, directory: &str) -> Result<Option<Holder>> {
    let row = control.query_opt(HOLDER, &[&directory])?;
    Ok(row.map(|row| Holder { process: row.get(0), place: row.get(1), ours: row.get(2) }))
}

impl Holder {
    fn refuses(&self) -> Error {
        let sentence = format!(
            "Another daemon serves this control database, from {} (server process {}): stop it there first; \
             if its machine is gone, the server notices within a minute",
            self.place, self.process
        );
        Error::new(Kind::Refused, sentence).exit_code(1)
    }
}
