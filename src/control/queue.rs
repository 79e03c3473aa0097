//! The queue: jobs as rows of `bucardo.q`, and the moves a row makes in its life (reference,
//! section 4.4).
//!
//! waiting (CTL puts it in) → running (KID claims it) → ended, or aborted with a reason and then
//! ended as well. `id` grows with every job and every kick, so "a job newer than this kick" needs
//! no clock.
//!
//! Removing or renaming a sync locks its row first and those of its jobs and runs afterwards. A
//! process that ends jobs does the same (see `held`), so that the two wait for one another instead
//! of meeting in a deadlock.

use crate::control::channel;
use crate::error::Result;
use crate::pg::Connection;
use crate::pg::ident::literal;
use std::fmt;
use std::time::Duration;

/// What a job shows before the words for what it lacks a connection to.
pub const LACKS_CONNECTION: &str = "waiting for a connection to ";

/// To what a job lacks a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lacking {
    /// A replicated database, by its name.
    Database(String),
    /// The control database.
    Control,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lacking::Database(name) => write!(f, "database \"{name}\""),
            Lacking::Control => f.write_str("the control database"),
        }
    }
}

/// Rows written on a target, as three columns of `q` have them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that were there and were replaced.
    pub updates: i64,
    /// Rows that were not there.
    pub inserts: i64,
    /// Rows that are gone.
    pub deletes: i64,
}

impl Counts {
    /// How many were written.
    pub fn rows(&self) -> i64 {
        self.updates + self.inserts + self.deletes
    }

    /// Whether nothing was written.
    pub fn none(&self) -> bool {
        *self == Counts::default()
    }
}

/// A job as a controller wants it.
#[derive(Debug, Clone, Copy)]
pub struct JobRequest<'a> {
    /// The sync.
    pub sync: &'a str,
    /// Its type.
    pub synctype: &'a str,
    /// Its source.
    pub source: &'a str,
    /// The target the job is for.
    pub target: &'a str,
    /// How many jobs of the sync may run at once; 0 is no limit.
    pub limit: i64,
}

/// Puts a job into the queue and returns its id, unless limits leave no room for it. One that is
/// still waiting is taken instead, and gets a new id: it answers the newest kick as well.
///
/// Jobs of one sync are put by one controller, but a database may be limited for several syncs,
/// whose controllers must not all see the same room.
pub fn enqueue(control: &mut Connection, wish: JobRequest) -> Result<Option<i64>> {
    let room = room(control, wish)?;
    if !room.is_shared || !room.is_free(wish.limit) {
        return if room.is_free(wish.limit) { insert(control, wish).map(Some) } else { Ok(None) };
    }
    control.within("begin; select bucardo.take_turn('queue')", |control| {
        let free = self::room(control, wish)?.is_free(wish.limit);
        free.then(|| insert(control, wish)).transpose()
    })
}

fn insert(control: &mut Connection, wish: JobRequest) -> Result<i64> {
    let put = control.prepare_cached(
        "insert into bucardo.q (sync, ppid, sourcedb, targetdb, synctype, cdate) values ($1, $2, $3, $4, $5, clock_timestamp()) \
         on conflict (sync, sourcedb, targetdb) where started is null \
         do update set id = excluded.id, ppid = excluded.ppid returning id",
    )?;
    Ok(control.query_one(&put, &[&wish.sync, &own_pid(), &wish.source, &wish.target, &wish.synctype])?.get(0))
}

/// A number above those of all jobs so far.
pub fn next_number(control: &mut Connection) -> Result<i64> {
    Ok(control.query_one("select nextval('bucardo.q_id_seq')", &[])?.get(0))
}

/// Claims the waiting job of a sync and target, if there is one. Only one that this kid's own
/// controller has put there: where a daemon was killed, a kid of the old one may live a moment into
/// the time of the new one, and what it took nobody would see to the end.
pub fn claim(control: &mut Connection, sync: &str, target: &str) -> Result<Option<i64>> {
    let claim = control.prepare_cached(
        "update bucardo.q set started = clock_timestamp(), heartbeat = clock_timestamp(), pid = $3 \
         where sync = $1 and targetdb = $2 and started is null and ppid = $4 returning id",
    )?;
    Ok(control.query_opt(&claim, &[&sync, &target, &own_pid(), &parent_pid()])?.map(|row| row.get(0)))
}

/// Whether a job of a sync and target waits to be claimed.
pub fn waits(control: &mut Connection, sync: &str, target: &str) -> Result<bool> {
    let sql = "select exists (select from bucardo.q where sync = $1 and targetdb = $2 and started is null)";
    Ok(control.query_one(sql, &[&sync, &target])?.get(0))
}

/// Shows that a job waits for a connection.
pub fn lacks_connection(control: &mut Connection, sync: &str, target: &str, to: &Lacking) -> Result<()> {
    let sql = "update bucardo.q set progress = $3 where sync = $1 and targetdb = $2 and started is null and progress is distinct from $3";
    control.execute(sql, &[&sync, &target, &format!("{LACKS_CONNECTION}{to}")])?;
    Ok(())
}

/// Notes since when a job waits because a server has no connection left: by its heartbeat, as no
/// KID has claimed it yet. After 40 seconds the wait begins anew: the sync may want more
/// connections than there can be.
pub fn found_no_connection(control: &mut Connection, sync: &str, target: &str) -> Result<()> {
    let sql = "update bucardo.q set heartbeat = clock_timestamp() where sync = $1 and targetdb = $2 and started is null \
               and (heartbeat is null or heartbeat < clock_timestamp() - interval '40 seconds')";
    control.execute(sql, &[&sync, &target])?;
    Ok(())
}

/// A sync that comes first when connections to the servers of these databases are opened, and one
/// of them that is on the server where it lacks one.
pub fn waits_longer(control: &mut Connection, sync: &str, target: &str, dbs: &[&str]) -> Result<Option<(String, String)>> {
    let row = control.query_opt(include_str!("sql/waits_longer.sql"), &[&sync, &target, &dbs, &LACKS_CONNECTION])?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

/// Whether any job of a sync waits or is being worked on.
pub fn is_busy(control: &mut Connection, sync: &str) -> Result<bool> {
    let sql = "select exists (select from bucardo.q where sync = $1 and ended is null and aborted is null)";
    Ok(control.query_one(sql, &[&sync])?.get(0))
}

/// Shows that the job is being worked on.
pub fn heartbeat(control: &mut Connection, job: i64) -> Result<()> {
    control.execute("update bucardo.q set heartbeat = clock_timestamp() where id = $1", &[&job])?;
    Ok(())
}

/// Shows how far the job is; that is a heartbeat as well.
pub fn progress(control: &mut Connection, job: i64, progress: &str) -> Result<()> {
    let show = control.prepare_cached("update bucardo.q set heartbeat = clock_timestamp(), progress = $2 where id = $1")?;
    control.execute(&show, &[&job, &progress])?;
    Ok(())
}

/// Ends a job well and tells everybody. Jobs of one burst of activity become one row: `before`, if
/// given, is the job that ended an instant ago; its numbers are added and its row is removed, so
/// that a busy sync does not fill the table.
pub fn finish(control: &mut Connection, sync: &str, target: &str, job: i64, counts: Counts, before: Option<i64>) -> Result<()> {
    let Counts { updates, inserts, deletes } = counts;
    let before = before.map_or("null".to_owned(), |id| id.to_string());
    let done = literal(&channel::target_done(sync, target));
    control.batch(&format!(
        "begin; {held}; with before as (delete from bucardo.q where id = {before} returning started, cdate, updates, inserts, deletes) \
         update bucardo.q set ended = clock_timestamp(), progress = null, \
         started = coalesce((select started from before), started), cdate = coalesce((select cdate from before), cdate), \
         updates = {updates} + coalesce((select updates from before), 0), \
         inserts = {inserts} + coalesce((select inserts from before), 0), \
         deletes = {deletes} + coalesce((select deletes from before), 0) where id = {job}; \
         select bucardo.notify_both({done}, '{job}'), bucardo.notify_private({room}, ''); commit",
        room = literal(channel::ROOM),
        held = held(sync),
    ))
}

/// Keeps a sync from being removed or renamed until the transaction is over.
fn held(sync: &str) -> String {
    format!("select from bucardo.sync where name = {} for key share", literal(sync))
}

/// Ends this process's job or, if it has none yet, the one that waits for it (see [`claim`]), as
/// failed, with the reason, and tells everybody. Returns its id.
///
/// A job that waits and is younger than `attempt`, the number that this process took when it began,
/// is for kicks that came meanwhile: it waits on, for the next process. The failure is then a job
/// of its own, with that number, which answers the kicks before it.
pub fn abort(control: &mut Connection, sync: &str, target: &str, attempt: i64, reason: &str) -> Result<Option<i64>> {
    let row =
        control.query_opt(include_str!("sql/abort.sql"), &[&sync, &target, &own_pid(), &reason, &parent_pid(), &attempt])?;
    let job = row.map(|row| row.get::<_, i64>(0));
    // Where the daemon asks, the job is put back, and who waits for it waits on.
    if reason != ASKED_TO_STOP {
        tell_killed(control, sync, target, job)?;
    }
    Ok(job)
}

/// Takes a job out of the queue that nobody has begun: its target has to wait for its next try, and
/// must not take the room of others.
pub fn withdraw(control: &mut Connection, sync: &str, target: &str) -> Result<()> {
    let sql = "delete from bucardo.q where sync = $1 and targetdb = $2 and started is null and ppid = $3";
    control.execute(sql, &[&sync, &target, &own_pid()])?;
    Ok(())
}

fn tell_killed(control: &mut Connection, sync: &str, target: &str, job: Option<i64>) -> Result<()> {
    let payload = job.map(|id| id.to_string()).unwrap_or_default();
    for channel in [channel::target_killed(sync, target), channel::sync_killed(sync), channel::ROOM.to_owned()] {
        control.execute("select bucardo.notify_both($1, $2)", &[&channel, &payload])?;
    }
    Ok(())
}

/// Acknowledges the end of a kid that failed: its job is closed, with the kid's own reason or else
/// `reason`, and with the time of the next try. Without one it stays open for the next controller,
/// who does it again. Returns the job's id.
pub fn close(
    control: &mut Connection,
    sync: &str,
    target: &str,
    kid: i32,
    reason: &str,
    retry: Option<Duration>,
) -> Result<Option<i64>> {
    let retry = retry.map(|pause| pause.as_secs_f64());
    let row = control.within(&format!("begin; {}", held(sync)), |control| {
        Ok(control.query_opt(
            "update bucardo.q set retry_at = clock_timestamp() + make_interval(secs => $5), \
             ended = case when $5::float8 is not null then clock_timestamp() end, \
             aborted = coalesce(aborted, clock_timestamp()), whydie = coalesce(whydie, $4) \
             where sync = $1 and targetdb = $2 and pid = $3 and started is not null and ended is null returning id, whydie in ($4, $6)",
            &[&sync, &target, &kid, &reason, &retry, &ASKED_TO_STOP],
        )?)
    })?;
    let Some(row) = row else { return Ok(None) };
    let (job, untold): (i64, Option<bool>) = (row.get(0), row.get(1));
    if untold == Some(true) {
        tell_killed(control, sync, target, Some(job))?;
    }
    Ok(Some(job))
}

/// What a KID says that was asked to stop. It may not know by whom; that is no failure of the sync
/// where it was the daemon.
pub const ASKED_TO_STOP: &str = "The kid was asked to stop";

/// Puts the jobs back that a stop has broken off, once all processes of these syncs are gone:
/// whatever runs next does them again. Who broke them off did so on purpose, so they have not
/// failed.
pub fn give_back(control: &mut Connection, syncs: &[String]) -> Result<()> {
    let hold = "select from bucardo.sync where name = any ($1) order by name for key share";
    control.within("begin", |control| {
        control.query(hold, &[&syncs])?;
        control.execute(include_str!("sql/give_back.sql"), &[&syncs, &ASKED_TO_STOP])?;
        Ok(())
    })
}

/// The next try of a job that failed was brought forward.
pub fn try_sooner(control: &mut Connection, job: i64, pause: Duration) -> Result<()> {
    control.execute(
        "update bucardo.q set retry_at = least(retry_at, clock_timestamp() + make_interval(secs => $2)) where id = $1",
        &[&job, &pause.as_secs_f64()],
    )?;
    Ok(())
}

/// Removes the row of an earlier failure when the later one says the same: an outage of days is one
/// row, not thousands.
pub fn forget_repeated(control: &mut Connection, earlier: i64, later: i64) -> Result<()> {
    control.execute(
        "delete from bucardo.q e using bucardo.q l where e.id = $1 and l.id = $2 and e.whydie is not distinct from l.whydie",
        &[&earlier, &later],
    )?;
    Ok(())
}

/// Closes what an earlier controller of this sync left behind, and says whether anything was: then
/// it is done again, now. A job that nobody had begun has not failed.
pub fn close_orphans(control: &mut Connection, sync: &str) -> Result<bool> {
    let swept = control.within(&format!("begin; {}", held(sync)), |control| {
        let waited = control.execute("delete from bucardo.q where sync = $1 and started is null and ended is null", &[&sync])?;
        let broken = control.execute(
            "update bucardo.q set ended = clock_timestamp(), aborted = coalesce(aborted, clock_timestamp()), \
             retry_at = clock_timestamp(), whydie = coalesce(whydie, 'Controller cleaning out unended q entry') \
             where sync = $1 and ended is null",
            &[&sync],
        )?;
        Ok(waited + broken)
    })?;
    Ok(swept > 0)
}

/// How much is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    /// Unfinished jobs of the sync, other than the one that waits for the same target.
    running: i64,
    /// Whether the source takes another job, by its `sourcelimit`.
    at_source: bool,
    /// Whether the target does, by its `targetlimit`.
    at_target: bool,
    /// Whether one of them has a limit.
    is_shared: bool,
}

fn room(control: &mut Connection, wish: JobRequest) -> Result<Room> {
    let room = control.prepare_cached(include_str!("sql/room.sql"))?;
    let row = control.query_one(&room, &[&wish.sync, &wish.source, &wish.target])?;
    Ok(Room { running: row.get(0), at_source: row.get(1), at_target: row.get(2), is_shared: row.get(3) })
}

impl Room {
    /// Whether a job may start, when `limit` jobs of the sync may run at once.
    fn is_free(self, limit: i64) -> bool {
        (limit == 0 || self.running < limit) && self.at_source && self.at_target
    }
}

fn own_pid() -> i32 {
    // Process ids of Linux are positive and below 2^22.
    i32::try_from(std::process::id()).unwrap_or(i32::MAX)
}

/// The controller, as long as it lives.
fn parent_pid() -> i32 {
    i32::try_from(std::os::unix::process::parent_id()).unwrap_or(i32::MAX)
}
