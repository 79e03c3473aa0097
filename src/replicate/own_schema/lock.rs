//! One process at a time makes or removes our objects on a replicated database: IF NOT EXISTS does
//! not keep two apart.
//!
//! The lock is a row of ours, `bucardo_lock`, that names the session which has it. An advisory lock
//! would not do, since any role can hold one for ever. The work takes several transactions, so that
//! a lock of the row, which ends with its transaction, would not do either; that one is held for a
//! moment, to take the lock and to give it back. A session that is gone has lost it.

use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::replicate::own_schema::{has_table, ownership};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// For how long to wait.
const LIMIT: Duration = Duration::from_secs(60);

/// How often to look whether another session has given it back.
const STEP: Duration = Duration::from_millis(30);

/// What came of an attempt.
enum Attempt {
    Taken,
    /// This session has it already.
    Ours,
    /// This process of the server has it.
    Held(i32),
    /// There is no such table, or it was just made or removed by another session.
    Again,
}

/// Takes the lock, which is made if need be, and with it the schema. Says whether it is to be given
/// back: not by whoever found that this session had it already.
pub fn take(conn: &mut Connection) -> Result<bool> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let attempt = attempt(conn)?;
        let late = Instant::now() >= deadline;
        match attempt {
            Attempt::Taken => return Ok(true),
            Attempt::Ours => return Ok(false),
            Attempt::Held(pid) if late => return Err(held(pid)),
            Attempt::Again if late => return Err(Error::new(Kind::Collision, "table bucardo.bucardo_lock comes and goes")),
            Attempt::Held(_) | Attempt::Again => sleep(STEP),
        }
    }
}

fn held(pid: i32) -> Error {
    Error::new(Kind::Locked, format!("server process {pid} has been making or removing the replicator's objects for a minute"))
        .hint("See what it does in pg_stat_activity, and try again when it has ended.")
}

fn attempt(conn: &mut Connection) -> Result<Attempt> {
    let schema = "select exists (select from pg_namespace where nspname = 'bucardo')";
    let has_schema: bool = conn.query_one(&*conn.ours(schema), &[])?.get(0);
    if has_schema {
        ownership::check_again(conn)?;
    }
    if !has_schema || !has_table(conn, "bucardo_lock")? {
        return make(conn, has_schema);
    }
    let taken = conn.within("begin", |conn| {
        conn.batch(&conn.ours("select from bucardo.bucardo_lock for update"))?;
        Ok(conn.query_opt(&*conn.ours(include_str!("../sql/take_lock.sql")), &[])?)
    });
    match taken {
        Ok(Some(row)) if row.get(0) => Ok(Attempt::Taken),
        Ok(Some(row)) if row.get(1) => Ok(Attempt::Ours),
        Ok(Some(row)) => Ok(Attempt::Held(row.get::<_, Option<i32>>(2).unwrap_or_default())),
        Ok(None) => conn
            .batch(&conn.ours("insert into bucardo.bucardo_lock default values on conflict do nothing"))
            .map(|()| Attempt::Again),
        // Removed in the meantime, with everything else.
        Err(_) if !conn.is_closed() && !has_table(conn, "bucardo_lock")? => Ok(Attempt::Again),
        Err(error) => Err(error),
    }
}

/// Makes the table. Without IF NOT EXISTS: what comes in between is for the next attempt to look
/// at.
fn make(conn: &mut Connection, has_schema: bool) -> Result<Attempt> {
    let schema = if has_schema { "" } else { include_str!("../../../schema/replicated/schema.sql") };
    let made = conn.within(&format!("begin; {}", conn.ours(schema)), |conn| {
        conn.batch(&conn.ours(include_str!("../../../schema/replicated/bucardo_lock.sql")))
    });
    match made {
        Err(_) if !conn.is_closed() && has_table(conn, "bucardo_lock")? => Ok(Attempt::Again),
        made => made.map(|()| Attempt::Again),
    }
}

/// Gives the lock back. When nothing else is left in the schema, it goes, too.
pub fn release(conn: &mut Connection) -> Result<()> {
    if !has_table(conn, "bucardo_lock")? {
        return Ok(());
    }
    let left: i64 = conn.query_one(&*conn.ours(include_str!("../sql/schema_members.sql")), &[])?.get(0);
    match left {
        0 => conn.within("begin", |conn| conn.batch(&conn.ours("drop table bucardo.bucardo_lock; drop schema bucardo"))),
        _ => conn.batch(&conn.ours("update bucardo.bucardo_lock set pid = null where pid = pg_backend_pid()")),
    }
}
