//! A daemon for tests of the commands that talk to one: it listens to some channels and does, for each notice, what the test
//! says. To the commands it is a client like any other.

use crate::harness::Installed;
use fallible_iterator::FallibleIterator;
use postgres::Client;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// It ends when dropped.
pub struct FakeDaemon {
    backend: i32,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FakeDaemon {
    /// Listens to `channel` from now on; `react` gets its session and the payload.
    pub fn new(installed: &Installed, channel: &str, mut react: impl FnMut(&mut Client, &str) + Send + 'static) -> FakeDaemon {
        let mut client = installed.control();
        client.batch_execute(&format!("listen {channel}")).unwrap();
        let backend = client.query_one("select pg_backend_pid()", &[]).unwrap().get(0);
        let over = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&over);
        let thread = thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let heard = client.notifications().timeout_iter(Duration::from_millis(20)).next().unwrap();
                if let Some(notification) = heard {
                    react(&mut client, notification.payload());
                }
            }
        });
        FakeDaemon { backend, over, thread: Some(thread) }
    }

    /// The server process of its session.
    pub fn backend(&self) -> i32 {
        self.backend
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().unwrap().join();
        if !thread::panicking() {
            ended.unwrap();
        }
    }
}

/// Puts a job into the queue and takes it out again, as a controller and a kid would; its id.
pub fn job(client: &mut Client, sync: &str, target: &str) -> i64 {
    let insert = "insert into bucardo.q (sync, sourcedb, targetdb, ppid, started, ended)
        values ($1, 'A', $2, 0, clock_timestamp(), clock_timestamp()) returning id";
    client.query_one(insert, &[&sync, &target]).unwrap().get(0)
}

/// Sends a notice with the number of a job.
pub fn tell(client: &mut Client, channel: &str, job: i64) {
    client.execute("select pg_notify($1, $2)", &[&channel, &job.to_string()]).unwrap();
}
