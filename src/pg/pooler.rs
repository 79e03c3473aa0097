//! Recognising connection poolers that give a connection another server session with each
//! transaction or statement.
//!
//! Everything here rests on sessions: settings, prepared statements, temporary tables, LISTEN,
//! locks. Behind such a pooler it would work by luck. A pooler does not say what it is, so two
//! connections are looked at in turn: two sessions at the same time never have the same process,
//! and each keeps its process and what was set in it. With one server session for all, the second
//! connection gets that of the first; with several, sooner or later one of them gets another.

use crate::error::{Error, Kind, Result};
use crate::pg::{ConnInfo, Connection};

/// How often the two take turns.
const TURNS: usize = 5;

/// Refuses a database that is reached through a pooler which shares server sessions among
/// connections. `conn` is a connection to it, outside of a transaction. When there is no room for a
/// second one, nothing is found.
pub fn refuse_shared(conn: &mut Connection, info: &ConnInfo) -> Result<()> {
    let Ok(mut other) = Connection::open(info) else { return Ok(()) };
    match is_shared(conn, &mut other)? {
        true => Err(Error::new(
            Kind::Refused,
            format!(
                "database \"{}\" at {} is reached through a connection pooler that gives a connection another server session with each \
                 transaction",
                info.dbname,
                info.place()
            ),
        )
        .hint(
            "Replication needs sessions that keep their settings, prepared statements and temporary tables: connect to the server \
             itself, or to a pool with pool_mode = session.",
        )),
        false => Ok(()),
    }
}

/// The error of [`refuse_shared`] instead of one that came of what it refuses: behind such a pooler
/// anything may fail, in any words.
pub fn explain(error: Error, info: &ConnInfo) -> Error {
    let may_be = matches!(error.kind(), Kind::Database | Kind::Bug) || error.to_string().contains("pooling");
    let refused = || refuse_shared(&mut Connection::open(info).ok()?, info).err().filter(|found| found.kind() == Kind::Refused);
    may_be.then(refused).flatten().unwrap_or(error)
}

fn is_shared(one: &mut Connection, other: &mut Connection) -> Result<bool> {
    const SET: &str = "select set_config('bucardo.connection', md5(random()::text || clock_timestamp()::text), false)";
    let first = one.first_column(SET).and_then(|_| tell(one))?;
    other.batch("select 1")?;
    let mut shared = false;
    for _ in 0..TURNS {
        // In statement mode a pooler hangs up, while the server is there.
        let begun = other.batch("begin");
        if begun.is_err() && one.batch("select 1").is_ok() {
            return Ok(true);
        }
        begun?;
        let theirs = tell(other)?;
        shared |= theirs.0 == first.0 || tell(one)? != first;
        other.batch("commit")?;
        if shared {
            break;
        }
    }
    // Where the session is that of others, too, they need not see this.
    one.batch("reset bucardo.connection")?;
    Ok(shared)
}

/// The process of the session, and what was set in it.
fn tell(conn: &mut Connection) -> Result<(String, String)> {
    let sql = "select pg_backend_pid(); select coalesce(current_setting('bucardo.connection', true), '')";
    let mut answers = conn.first_column(sql)?.into_iter().map(Option::unwrap_or_default);
    Ok((answers.next().unwrap_or_default(), answers.next().unwrap_or_default()))
}
