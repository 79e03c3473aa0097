//! Daemons for tests. [`FakeDaemon`] is for commands that talk to one: it listens to some channels
//! and does, for each notice, what the test says. To the commands it is a client like any other.

use crate::harness::Installed;
use fallible_iterator::FallibleIterator;
use postgres::Client;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
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
    pub fn new(installed: &Installed, channel: &str, react: impl FnMut(&mut Client, &str) + Send + 'static) -> FakeDaemon {
        FakeDaemon::in_session(installed.control(), channel, react)
    }

    /// The same in a session of any role.
    pub fn in_session(
        mut client: Client,
        channel: &str,
        mut react: impl FnMut(&mut Client, &str) + Send + 'static,
    ) -> FakeDaemon {
        client.batch_execute(&format!("set application_name = 'bucardo mcp control'; listen {channel}")).unwrap();
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

    /// One that takes everything and answers nothing.
    pub fn silent(installed: &Installed) -> FakeDaemon {
        FakeDaemon::new(installed, "bucardo_silence", |_, _| {})
    }

    /// One that takes everything, and says so when it is asked whether it is there.
    pub fn taking(installed: &Installed) -> FakeDaemon {
        FakeDaemon::new(installed, "bucardo_mcp_ping", |client, _| client.batch_execute("notify bucardo_mcp_pong").unwrap())
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

/// A process that looks like the master of a daemon and ends when a stop file appears, or when
/// dropped. Its pid file is there.
pub struct FakeMaster(Child);

impl FakeMaster {
    /// In the piddir of these commands. `obedient` is whether the stop file ends it; else not even
    /// SIGTERM does.
    pub fn new(installed: &Installed, obedient: bool) -> FakeMaster {
        let wait = if obedient { "while ! test -e \"$0\"; do sleep 0.05; done" } else { "trap '' TERM; read forever" };
        let mut shell = Command::new("/bin/sh");
        shell.arg0("Bucardo Master Control Program v4.5.0. Active syncs: a").args(["-c", wait]);
        shell.arg(installed.piddir().join("fullstopbucardo")).stdin(Stdio::piped());
        // Its last sleep may outlive the test.
        shell.stdout(Stdio::null()).stderr(Stdio::null());
        let child = shell.spawn().unwrap();
        std::fs::write(installed.piddir().join("bucardo.mcp.pid"), format!("{}\nx\ny\n", child.id())).unwrap();
        FakeMaster(child)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for FakeMaster {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Puts a job into the queue and takes it out again, as a controller and a kid would; its id.
pub fn job(client: &mut Client, sync: &str, target: &str) -> i64 {
    let insert = "insert into bucardo.q (sync, sourcedb, targetdb, ppid, started, ended)
        values ($1, 'A', $2, 0, clock_timestamp(), clock_timestamp()) returning id";
    client.query_one(insert, &[&sync, &target]).unwrap().get(0)
}

/// The private channel that belongs to a public one.
pub fn private(installed: &Installed, channel: &str) -> String {
    let sql = "select 'bucardo_' || md5(word || $1) from bucardo.channel_secret";
    installed.control().query_one(sql, &[&channel]).unwrap().get(0)
}

/// Sends a notice with the number of a job.
pub fn tell(client: &mut Client, channel: &str, job: i64) {
    client.execute("select pg_notify($1, $2)", &[&channel, &job.to_string()]).unwrap();
}
