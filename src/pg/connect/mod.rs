//! Making a connection: in a thread of its own, so that whoever wants one can wait for other things
//! meanwhile, and within a time limit that also holds when a server accepts us and then says
//! nothing.
//!
//! The thread ends by itself, at the latest when the time is up; with it goes everything half-made.
//! The one thing that cannot be ended is the system's look-up of a host name: then the caller has
//! its error in time and the thread follows when the system gives up.

mod attempt;
mod connector;
mod driver;
mod failure;
mod identity;
mod line;
mod message_limits;
mod route;
mod socket;
mod tls;

use crate::error::Result;
use crate::pg::{ConnInfo, Connection};
pub use attempt::Purpose;
use failure::{Cause, Failure};
pub(super) use line::Line;
pub(super) use message_limits::Answers;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
pub(super) use route::Route;
pub(super) use socket::Socket;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What the thread is given beyond its limit to come back with its own, better error.
const GRACE: Duration = Duration::from_millis(500);

/// A connection that is being made.
pub struct Connecting {
    sentence: String,
    limit: Duration,
    deadline: Instant,
    answer: Receiver<std::result::Result<Connection, Failure>>,
    finished: OwnedFd,
}

impl Connecting {
    /// Begins to connect.
    pub fn start(info: &ConnInfo) -> Result<Connecting> {
        Connecting::start_for(info, Purpose::General)
    }

    /// Begins to connect for a purpose.
    pub fn start_for(info: &ConnInfo, purpose: Purpose) -> Result<Connecting> {
        let sentence = sentence(info);
        launch(info, purpose, sentence.clone()).map_err(|e| Failure::new(Cause::Ours, e.to_string()).error(&sentence))
    }

    /// Readable once [`Connecting::finish`] will not wait any more.
    pub fn fd(&self) -> RawFd {
        self.finished.as_raw_fd()
    }

    /// When [`Connecting::finish`] will not wait any more even if nothing became readable.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The connection, or why there is none.
    pub fn finish(self) -> Result<Connection> {
        let answer = match self.answer.recv_timeout(self.deadline.saturating_duration_since(Instant::now())) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(Failure::timeout(self.limit)),
            Err(RecvTimeoutError::Disconnected) => Err(Failure::new(Cause::Other, "the attempt ended without an answer")),
        };
        answer.map_err(|failure| failure.error(&self.sentence))
    }
}

fn launch(info: &ConnInfo, purpose: Purpose, sentence: String) -> io::Result<Connecting> {
    let (finished, alive) = pipe2(OFlag::O_CLOEXEC)?;
    let (send, answer) = channel();
    let info = info.clone();
    let limit = Duration::from_secs(u64::from(info.connect_timeout) * info.endpoints().len() as u64);
    let deadline = Instant::now() + limit + GRACE;
    thread::Builder::new().name("connect".to_owned()).spawn(move || work(&info, purpose, &send, alive))?;
    Ok(Connecting { sentence, limit, deadline, answer, finished })
}

/// The answer first: when the pipe closes, it must be there.
fn work(info: &ConnInfo, purpose: Purpose, send: &Sender<std::result::Result<Connection, Failure>>, alive: OwnedFd) {
    // If nobody wants it any more, the connection ends here.
    let _ = send.send(attempt::connect(info, &purpose));
    drop(alive);
}

fn sentence(info: &ConnInfo) -> String {
    format!("could not connect to database \"{}\" at {} as user \"{}\"", info.dbname, info.place(), info.user)
}

impl Connection {
    /// Connects, or says why not; takes at most `connect_timeout` for each server.
    pub fn open(info: &ConnInfo) -> Result<Connection> {
        Connecting::start(info)?.finish()
    }

    /// Connects to a replicated database: as [`Connection::open`], and the session has the settings
    /// of [`crate::pg::session`].
    pub fn open_replicated(info: &ConnInfo) -> Result<Connection> {
        Connecting::start_for(info, Purpose::Replication)?.finish().map(Connection::replicated)
    }
}
