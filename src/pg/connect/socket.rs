//! The socket of a connection that the driver is about to make: which descriptor it has, and ending it when time is up.
//!
//! The driver (`postgres`, which is `tokio-postgres` in a small runtime of its own) shows neither the descriptor nor a way to
//! limit a handshake. But right after it has connected a socket, and before the first byte is sent, it asks for a TLS
//! connector, whether it will need one or not. In that moment we are inside the driver's runtime and can
//!
//! * register a socket of our own there. The runtime's epoll then watches exactly two sockets, ours and the one we look for,
//!   and `/proc/self/fdinfo` lists them. No other thread can confuse this, as comparing lists of descriptors could.
//! * leave a task there that shuts the socket down at the deadline. It runs in the thread that owns the socket, so the
//!   descriptor cannot meanwhile have become something else, and it ends with the runtime.
//!
//! What this rests on: the driver asking at that moment, its using tokio's epoll with one socket per runtime, and a readable
//! `/proc`. If one of them fails, connecting fails with a sentence that says so; nothing is guessed.

use nix::sys::socket::{Shutdown, shutdown};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::task::AbortHandle;

/// What is known of the socket of one attempt, and its time limit.
#[derive(Clone)]
pub struct Watch {
    deadline: Instant,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    fd: Option<RawFd>,
    guard: Option<AbortHandle>,
    expired: bool,
}

impl Watch {
    /// For an attempt that must be over at `deadline`.
    pub fn new(deadline: Instant) -> Watch {
        Watch { deadline, state: Arc::default() }
    }

    /// The socket, once it was connected.
    pub fn fd(&self) -> Option<RawFd> {
        self.lock().fd
    }

    /// Whether the attempt was ended because its time was up.
    pub fn expired(&self) -> bool {
        self.lock().expired
    }

    /// Ends the time limit: the connection is there to stay.
    pub fn release(&self) {
        if let Some(guard) = self.lock().guard.take() {
            guard.abort();
        }
    }

    /// To be called in the driver's runtime, when it has connected its socket.
    pub fn begin(&self) -> io::Result<()> {
        let fd = socket_of_this_runtime()?;
        let guard = tokio::spawn(self.clone().expire(fd)).abort_handle();
        let mut state = self.lock();
        (state.fd, state.guard) = (Some(fd), Some(guard));
        Ok(())
    }

    async fn expire(self, fd: RawFd) {
        tokio::time::sleep_until(self.deadline.into()).await;
        self.lock().expired = true;
        // That it is closed already is as good.
        let _ = shutdown(fd, Shutdown::Both);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one socket, beside a marker of ours, that the runtime we are in watches.
fn socket_of_this_runtime() -> io::Result<RawFd> {
    let (near, _far) = UnixStream::pair()?;
    near.set_nonblocking(true)?;
    let marker = tokio::net::UnixStream::from_std(near)?;
    let mark = marker.as_raw_fd();
    let ours = watch_lists()?.into_iter().find(|list| list.contains(&mark)).unwrap_or_default();
    match ours.into_iter().filter(|fd| *fd != mark && is("socket:", *fd)).collect::<Vec<_>>()[..] {
        [socket] => Ok(socket),
        ref all => Err(io::Error::other(format!("cannot tell our socket by /proc/self/fdinfo: it lists {}", all.len()))),
    }
}

/// For each epoll of this process, what it watches.
fn watch_lists() -> io::Result<Vec<Vec<RawFd>>> {
    let entries = fs::read_dir("/proc/self/fd")?.flatten();
    let open = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let epolls = open.filter(|fd| is("anon_inode:[eventpoll]", *fd));
    // One that another thread has closed meanwhile is not ours.
    Ok(epolls.filter_map(|fd| fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).ok()).map(|text| watched(&text)).collect())
}

/// Whether a descriptor is of a kind (see proc(5), /proc/pid/fd).
fn is(kind: &str, fd: RawFd) -> bool {
    fs::read_link(format!("/proc/self/fd/{fd}")).is_ok_and(|target| target.to_string_lossy().starts_with(kind))
}

/// The descriptors in the `tfd:` lines of an epoll's fdinfo (see proc(5)).
fn watched(fdinfo: &str) -> Vec<RawFd> {
    let lines = fdinfo.lines().filter_map(|line| line.strip_prefix("tfd:"));
    lines.filter_map(|rest| rest.split_whitespace().next()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_an_epoll_is_read() {
        let text = "pos:\t0\nflags:\t02000002\nino:\t1057\n\
            tfd:        9 events: 80000019 data:     7fff0001  pos:0 ino:61 sdev:8\n\
            tfd:       12 events: 8000201d data: 55aa10  pos:0 ino:1f3 sdev:8\n";
        assert_eq!(watched(text), [9, 12]);
    }
}
