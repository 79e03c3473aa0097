//! Applications that keep writing to a source, whatever happens to it and to us.

use super::world::World;
use crate::harness::Chance;
use bucardo::pg::{ConnInfo, Connection};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a writer thinks between two transactions; without it, they would take the machine for
/// themselves.
const PACE: Duration = Duration::from_millis(2);

/// How many rows of table t there are to be counted up.
const COUNTERS: u64 = 40;

/// The writers. They end when this is stopped or dropped.
pub struct Load {
    over: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    writers: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts writers on a database of the world: each transaction raises a counter of t by one, or
    /// inserts into u, or deletes there.
    pub fn start(world: &World, database: &str, writers: u64, chance: &mut Chance) -> Load {
        world.at(database, &format!("insert into t select generate_series(1, {COUNTERS})"));
        let info = world.server(database).conninfo(&database.to_lowercase(), "postgres");
        let (over, written): (Arc<AtomicBool>, Arc<AtomicU64>) = Default::default();
        let writer = |number: u64| {
            let (info, over, written) = (info.clone(), Arc::clone(&over), Arc::clone(&written));
            let writer = Writer { info, chance: chance.branch(), next: number * 1_000_000, over, written };
            thread::spawn(move || writer.work())
        };
        let writers = (0..writers).map(writer).collect();
        Load { over, written, writers }
    }

    /// How many transactions were committed so far.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Ends the writers.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.writers.drain(..).for_each(|writer| writer.join().unwrap());
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end();
    }
}

struct Writer {
    info: ConnInfo,
    chance: Chance,
    next: u64,
    over: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
}

impl Writer {
    /// Connects again and again: the server may be away for a while.
    fn work(mut self) {
        while !self.over.load(Ordering::Relaxed) {
            match Connection::open(&self.info) {
                Ok(mut conn) => while !self.over.load(Ordering::Relaxed) && self.write(&mut conn) {},
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn write(&mut self, conn: &mut Connection) -> bool {
        self.next += 1;
        let (id, any) = (self.next, self.next - self.chance.below(20).min(self.next));
        let sql = match self.chance.below(4) {
            0 => format!("insert into u values ({id})"),
            1 => format!("delete from u where id = {any}"),
            _ => format!("update t set counter = counter + 1 where id = {}", 1 + self.chance.below(COUNTERS)),
        };
        let done = conn.batch(&sql).is_ok();
        self.written.fetch_add(u64::from(done), Ordering::Relaxed);
        thread::sleep(PACE);
        done
    }
}
