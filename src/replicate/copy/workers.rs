//! Further pairs of sessions, in which several tables are copied at once.
//!
//! All workers read with the snapshot of the round. Each writes in a transaction of its own, which
//! stays open until all tables are there; then they commit one after another, and the receipt last
//! of all. So an error leaves nothing behind, and death between two of these commits leaves some
//! tables copied and no receipt: then all are copied again, which does no harm. What one worker
//! locks may wait for another worker, and no server sees that; so workers wait for locks only
//! briefly, and after that the tables are copied one after another.

use crate::control::queue::Counts;
use crate::error::{Error, Kind, Result};
use crate::pg::ident::literal;
use crate::pg::{Canceller, ConnInfo, Connection, Isolation, Schema};
use crate::replicate::plan::Plan;
use crate::replicate::plan::copy_format::CopyFormat;
use crate::replicate::session::relay;
use crate::replicate::session::source::hold_as_planned;
use crate::replicate::session::target::Target;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often the one who waits for the workers looks up.
const GLANCE: Duration = Duration::from_millis(100);

/// How long workers wait for a lock: longer than the server lets us wait for an autovacuum, which
/// it then ends.
const BRIEFLY: &str = "set lock_timeout = '5s'";

/// Where workers find their databases, and how many there may be.
#[derive(Debug, Clone)]
pub struct CopyConnections {
    /// The source.
    pub source: ConnInfo,
    /// Where our objects are there.
    pub source_schema: Schema,
    /// How what is read is isolated: like the round that exports its snapshot.
    pub isolation: Isolation,
    /// The receiver.
    pub target: ConnInfo,
    /// Where our objects are there.
    pub target_schema: Schema,
    /// The most tables that are copied at once.
    pub jobs: usize,
}

/// A table to be copied, and the encoding of both sides.
pub type TableJob<'a> = (&'a Plan, &'a str);

/// The workers of a round.
#[derive(Default)]
pub struct CopyWorkers {
    all: Vec<CopyWorker>,
}

struct CopyWorker {
    source: Connection,
    target: Target,
}

/// What the workers share while they work.
struct WorkQueue<'a> {
    work: &'a [TableJob<'a>],
    next: AtomicUsize,
    rows: AtomicU64,
    halt: AtomicBool,
    counts: Mutex<Counts>,
}

impl CopyWorkers {
    /// As many as wanted, if the servers let in so many; at least one. They see what the exported
    /// `snapshot` sees.
    pub fn open(connections: &CopyConnections, wanted: usize, snapshot: &str) -> Result<CopyWorkers> {
        let mut all = vec![CopyWorker::open(connections, snapshot)?];
        // Fewer workers are no failure, only slower.
        all.extend((1..wanted).map_while(|_| CopyWorker::open(connections, snapshot).ok()));
        Ok(CopyWorkers { all })
    }

    /// Copies these tables. `tick` is called now and then with the number of rows that have moved
    /// since; its error ends the work.
    pub fn copy(&mut self, work: &[TableJob], tick: &mut dyn FnMut(u64) -> Result<()>) -> Result<Counts> {
        let cancellers: Vec<Canceller> =
            self.all.iter().flat_map(|worker| [worker.source.canceller(), worker.target.conn.canceller()]).collect();
        let board = WorkQueue::new(work);
        let (outcomes, watched) = std::thread::scope(|scope| {
            let (working, done) = channel();
            let threads: Vec<_> = self
                .all
                .iter_mut()
                .map(|worker| {
                    let (working, board) = (working.clone(), &board);
                    scope.spawn(move || worker.work(board, working))
                })
                .collect();
            drop(working);
            let mut watched = Ok(());
            while done.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
                watched = watched.and_then(|()| tick(board.rows.swap(0, Ordering::Relaxed)));
                board.halt.fetch_or(watched.is_err(), Ordering::Relaxed);
                if board.halts() {
                    // Who cannot be reached notices it by himself.
                    cancellers.iter().for_each(|canceller| drop(canceller.cancel()));
                }
            }
            (threads.into_iter().map(join).collect::<Vec<_>>(), watched)
        });
        watched?;
        first_cause(outcomes)?;
        tick(board.rows.into_inner())?;
        board.counts.into_inner().map_err(|_| Error::new(Kind::Bug, "a worker did not put down its counts"))
    }

    /// Commits what was written, one worker after another; `committed` is called after each.
    pub fn commit(&mut self, committed: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        for mut worker in self.all.drain(..) {
            worker.target.conn.batch("commit")?;
            committed()?;
        }
        Ok(())
    }

    /// Undoes what was written.
    pub fn roll_back(&mut self) {
        // A session that cannot roll back is ended, and its server rolls back.
        self.all.drain(..).for_each(|mut worker| drop(worker.target.conn.batch("rollback")));
    }
}

impl CopyConnections {
    fn open(&self, info: &ConnInfo, schema: Schema) -> Result<Connection> {
        let mut conn = Connection::open_replicated(info)?;
        conn.settle(schema, None);
        Ok(conn)
    }
}

impl CopyWorker {
    fn open(connections: &CopyConnections, snapshot: &str) -> Result<CopyWorker> {
        let mut source = connections.open(&connections.source, connections.source_schema)?;
        let level = connections.isolation.sql();
        let snapshot = literal(snapshot);
        source.batch(&format!("{BRIEFLY}; begin isolation level {level}; set transaction snapshot {snapshot}"))?;
        let mut target = Target::new(connections.open(&connections.target, connections.target_schema)?)?;
        target.conn.batch(&format!("{BRIEFLY}; begin isolation level read committed"))?;
        Ok(CopyWorker { source, target })
    }

    /// Copies one table after another until none is left. The end of `_working` tells that it is
    /// over.
    fn work(&mut self, board: &WorkQueue, _working: Sender<()>) -> Result<()> {
        while let Some((plan, encoding)) = board.take() {
            let mut tick = |rows| board.moved(rows);
            let counts = self.copy(plan, encoding, &mut tick).inspect_err(|_| board.halt.store(true, Ordering::Relaxed))?;
            if let Ok(mut sum) = board.counts.lock() {
                *sum += counts;
            }
        }
        Ok(())
    }
}

impl CopyWorker {
    fn copy(&mut self, plan: &Plan, encoding: &str, tick: &mut dyn FnMut(u64) -> Result<()>) -> Result<Counts> {
        hold_as_planned(&mut self.source, plan)?;
        let mut counts = self.empty(plan)?;
        counts += fill_whole(&mut self.source, &mut self.target, plan, encoding, tick)?;
        Ok(counts)
    }

    /// Where TRUNCATE is not possible after all, readers would see the tables change one by one.
    fn empty(&mut self, plan: &Plan) -> Result<Counts> {
        let refused = |error: Error| match error.kind() {
            Kind::Stopped | Kind::Lost => error,
            _ => Error::new(Kind::Collision, "TRUNCATE was refused").caused_by(error),
        };
        let emptied =
            if plan.copying().truncate { self.target.truncate(plan).map_err(refused) } else { self.target.delete_all(plan) };
        emptied.map_err(|error| error.context(format!("table {}", plan.target.label())))
    }
}

impl<'a> WorkQueue<'a> {
    fn new(work: &'a [TableJob<'a>]) -> WorkQueue<'a> {
        WorkQueue {
            work,
            next: AtomicUsize::new(0),
            rows: AtomicU64::new(0),
            halt: AtomicBool::new(false),
            counts: Mutex::new(Counts::default()),
        }
    }

    fn halts(&self) -> bool {
        self.halt.load(Ordering::Relaxed)
    }

    fn take(&self) -> Option<TableJob<'a>> {
        if self.halts() { None } else { self.work.get(self.next.fetch_add(1, Ordering::Relaxed)).copied() }
    }

    fn moved(&self, rows: u64) -> Result<()> {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        if self.halts() { Err(Error::new(Kind::Stopped, "another table failed")) } else { Ok(()) }
    }
}

/// Copies one table as a whole, after it has been emptied at the receiver.
pub fn fill_whole(
    source: &mut Connection,
    target: &mut Target,
    plan: &Plan,
    encoding: &str,
    tick: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<Counts> {
    let aside = target.set_indexes_aside(plan)?;
    let rows = CopyFormat::of_copy(source, &mut target.conn, plan, encoding)
        .and_then(|form| {
            target.as_owner_s(plan, |conn| {
                relay::relay_raw(source, &plan.copy_out_sql(&form), conn, &plan.copy_in_sql(&form), tick)
            })
        })
        .map_err(|error| error.context(format!("table {}", plan.source.label())))?;
    target.finish_copy(plan, aside)?;
    Ok(Counts { inserts: i64::try_from(rows).unwrap_or(i64::MAX), ..Counts::default() })
}

fn join(thread: std::thread::ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    thread.join().unwrap_or_else(|_| Err(Error::new(Kind::Bug, "a worker has failed")))
}

/// The error that made the others stop.
fn first_cause(outcomes: Vec<Result<()>>) -> Result<()> {
    let (stopped, others): (Vec<Error>, Vec<Error>) =
        outcomes.into_iter().filter_map(Result::err).partition(|error| error.kind() == Kind::Stopped);
    others.into_iter().chain(stopped).next().map_or(Ok(()), Err)
}
