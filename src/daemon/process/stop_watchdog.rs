//! The end of patience. A process that is asked to stop may be in a statement, where it sees no
//! flag, and a link that hangs may keep it there. So each process has a second thread, which sleeps
//! until such a request comes. Then it has the statements cancelled, and when the process does not
//! react, it ends it.

use crate::pg::Canceller;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long the main thread may take to notice.
const UNNOTICED: Duration = Duration::from_millis(400);
/// How long a stop of the MCP may take in all.
pub(in crate::daemon) const MASTER: Duration = Duration::from_millis(1800);
/// The same of a child. An MCP that did not notice and a controller that cannot tidy end one after
/// the other.
pub(in crate::daemon) const CHILD: Duration = Duration::from_millis(1000);
/// Who is not in a statement notices before this.
const SOON: Duration = Duration::from_millis(50);
/// How often statements are cancelled until the request is noticed: a cancel that comes between two
/// of them stops neither.
const AGAIN: Duration = Duration::from_millis(100);

/// What the two threads share.
#[derive(Clone, Default)]
pub(in crate::daemon) struct StopWatchdog {
    noticed: Arc<AtomicBool>,
    statements: Arc<Mutex<Vec<Canceller>>>,
}

impl StopWatchdog {
    /// Starts the thread. Something can be read from `bell` once there was a request; the stop may
    /// take `longest` then.
    pub fn start(&self, mut bell: UnixStream, longest: Duration) -> std::io::Result<()> {
        let shared = self.clone();
        let wait = move || {
            if bell.read_exact(&mut [0]).is_ok() {
                shared.enforce(longest);
            }
        };
        thread::Builder::new().name("patience".to_owned()).spawn(wait).map(drop)
    }

    /// The main thread knows of the request.
    pub fn notice(&self) {
        self.noticed.store(true, Ordering::SeqCst);
    }

    /// What is to be cancelled from now on.
    pub fn cancel(&self, statements: Vec<Canceller>) {
        *self.statements.lock().unwrap_or_else(PoisonError::into_inner) = statements;
    }

    fn noticed(&self) -> bool {
        self.noticed.load(Ordering::SeqCst)
    }

    fn enforce(&self, longest: Duration) {
        let asked = Instant::now();
        thread::sleep(SOON);
        self.start_cancelling();
        while asked.elapsed() < if self.noticed() { longest } else { UNNOTICED } {
            thread::sleep(SOON / 5);
        }
        // Nothing gentler reaches a thread that waits for a server.
        let _ = kill(Pid::this(), Signal::SIGKILL);
    }

    /// Each in a thread of its own: to cancel takes a connection, and that may hang as well.
    fn start_cancelling(&self) {
        let statements = std::mem::take(&mut *self.statements.lock().unwrap_or_else(PoisonError::into_inner));
        for statement in statements {
            let shared = self.clone();
            let cancel = move || {
                while !shared.noticed() {
                    let _ = statement.cancel();
                    thread::sleep(AGAIN);
                }
            };
            // A server that cannot be asked is left with its statement.
            let _ = thread::Builder::new().name("cancel".to_owned()).spawn(cancel);
        }
    }
}
