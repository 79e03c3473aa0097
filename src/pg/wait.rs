//! Waiting for several things at once, and taking notifications off a connection without waiting at
//! all.
//!
//! A process sleeps in [`wait`] on the sockets of its connections and its signal pipe. When a
//! socket wakes it, [`Connection::drain_notifications`] takes what came.
//!
//! **Drain before you wait.** Notifications that arrive while a statement runs are read from the
//! socket by that statement and lie in the driver's memory, where no poll can see them. The loop of
//! every process is therefore: work, drain, and only when nothing came, wait.
//!
//! Why that is enough: whenever the driver returns, it has read the socket until it was told to
//! come back later, through all its layers (TLS included). What it has not taken is thus still in
//! the socket, and poll sees it.

use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use fallible_iterator::FallibleIterator;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::{HashMap, HashSet};
use std::os::fd::{BorrowedFd, RawFd};
use std::time::{Duration, Instant};

/// What a [`wait`] found: the descriptors on which something can be read, or which are at their
/// end. None: time is up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ready(Vec<RawFd>);

impl Ready {
    /// Whether this one is ready.
    pub fn has(&self, fd: RawFd) -> bool {
        self.0.contains(&fd)
    }

    /// Whether the time was up before anything happened.
    pub fn timed_out(&self) -> bool {
        self.0.is_empty()
    }
}

/// Sleeps until something can be read from one of `fds`, or `timeout` is over; no timeout means for
/// ever. A signal does not end it: the process hears of signals through a pipe, which is one of
/// `fds`.
pub fn wait(fds: &[RawFd], timeout: Option<Duration>) -> Result<Ready> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        match poll_once(fds, deadline) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::new(Kind::Bug, "cannot wait for events").caused_by(errno)),
            // A timeout longer than poll can express ends early.
            Ok(ready) if ready.timed_out() && deadline.is_none_or(|deadline| Instant::now() < deadline) => {}
            Ok(ready) => return Ok(ready),
        }
    }
}

fn poll_once(fds: &[RawFd], deadline: Option<Instant>) -> nix::Result<Ready> {
    let mut polled = fds.iter().map(|&fd| Ok(PollFd::new(borrow(fd)?, PollFlags::POLLIN))).collect::<nix::Result<Vec<_>>>()?;
    poll(&mut polled, deadline.map_or(PollTimeout::NONE, until))?;
    let woken = |entry: &PollFd| entry.revents().unwrap_or(PollFlags::POLLIN);
    if polled.iter().any(|entry| woken(entry).contains(PollFlags::POLLNVAL)) {
        return Err(Errno::EBADF);
    }
    let ready = fds.iter().zip(&polled).filter(|(_, entry)| !woken(entry).is_empty());
    Ok(Ready(ready.map(|(&fd, _)| fd).collect()))
}

/// Whole milliseconds, rounded up: rounded down, the last one would be spent spinning.
fn until(deadline: Instant) -> PollTimeout {
    let left = deadline.saturating_duration_since(Instant::now());
    let milliseconds = left.as_nanos().div_ceil(1_000_000);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}

/// A descriptor for the length of one poll.
#[allow(
    unsafe_code,
    reason = "poll wants a borrowed descriptor and the driver gives no way to one; a closed one is answered with POLLNVAL"
)]
fn borrow<'a>(fd: RawFd) -> nix::Result<BorrowedFd<'a>> {
    match fd {
        // SAFETY: not -1, which is all the type's memory layout needs; the kernel checks the rest,
        // see POLLNVAL above.
        0.. => Ok(unsafe { BorrowedFd::borrow_raw(fd) }),
        _ => Err(Errno::EBADF),
    }
}

/// A NOTIFY that reached us.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Notification {
    /// The channel.
    pub channel: String,
    /// The payload; empty when NOTIFY had none.
    pub payload: String,
    /// The server process that sent it.
    pub pid: i32,
}

/// What the driver is given to read what poll has announced. It only passes in full when what came
/// is no notification: part of one, or a change of a setting.
const READ: Duration = Duration::from_millis(1);

/// How long a server that sends without end is listened to before other things have their turn;
/// what it goes on sending wakes again.
const LISTEN: Duration = Duration::from_secs(1);
/// How many notifications are looked at before what they ask for is done.
const MOST_AT_ONCE: usize = 1000;

/// The longest payload that can be a name, in bytes.
const LONGEST_PAYLOAD: usize = 500;

impl Connection {
    /// The notifications that are there now, in order, without waiting for more. A lost connection
    /// is [`Kind::Lost`], but only once everything that came before the loss has been handed out.
    pub fn drain_notifications(&mut self) -> Result<Vec<Notification>> {
        let mut found = Vec::new();
        let outcome = self.read_notifications(usize::MAX, &mut |notification| found.push(notification));
        if found.is_empty() { outcome.map(|()| found) } else { Ok(found) }
    }

    /// The next notifications, of equal ones the first, without waiting for more. However many
    /// there are and however long they are, this takes little time and memory: what is not looked
    /// at yet stays on the way, and a payload that is too long is left out. For sessions to which
    /// any role can send. Nothing else may run on such a session: a statement's answer comes behind
    /// all that was sent before, and the driver keeps all of that in memory.
    pub fn next_notifications(&mut self) -> Result<Vec<Notification>> {
        let (mut found, mut known) = (Vec::new(), HashSet::new());
        let outcome = self.read_notifications(MOST_AT_ONCE, &mut |mut notification| {
            if notification.payload.len() > LONGEST_PAYLOAD {
                notification.payload = String::new();
            }
            if known.insert(notification.clone()) {
                found.push(notification);
            }
        });
        if found.is_empty() { outcome.map(|()| found) } else { Ok(found) }
    }

    /// From now on, notifications of these channels are told under other names: channel → name.
    pub fn rename_channels(&mut self, names: HashMap<String, String>) {
        self.channel_names = names;
    }

    /// Whether notifications lie in the driver's memory, where no poll sees them: then there is
    /// nothing to wait for.
    pub fn has_notifications(&mut self) -> bool {
        !self.notifications().is_empty()
    }

    /// Reads until nothing more is there, or about `most` were read.
    fn read_notifications(&mut self, most: usize, take: &mut dyn FnMut(Notification)) -> Result<()> {
        let (mut left, begun) = (most, Instant::now());
        loop {
            self.take_buffered(&mut left, take)?;
            if self.is_closed() {
                return Err(Error::new(Kind::Lost, "the connection is closed"));
            }
            if left == 0 || begun.elapsed() >= LISTEN || wait(&[self.fd()], Some(Duration::ZERO))?.timed_out() {
                return Ok(());
            }
            let next = self.notifications().timeout_iter(READ).next();
            match next {
                Ok(next) => next.into_iter().for_each(|next| take(self.named(next))),
                // What came before the end is in the driver's memory.
                Err(end) => return self.take_buffered(&mut left, take).and(Err(end.into())),
            }
        }
    }

    /// What the driver has read already, with statements or in bulk.
    fn take_buffered(&mut self, left: &mut usize, take: &mut dyn FnMut(Notification)) -> Result<()> {
        while *left > 0 && self.has_notifications() {
            *left -= 1;
            let next = self.notifications().iter().next()?;
            next.into_iter().for_each(|next| take(self.named(next)));
        }
        Ok(())
    }

    fn named(&self, notification: postgres::Notification) -> Notification {
        let channel = notification.channel();
        let channel = self.channel_names.get(channel).map_or(channel, String::as_str).to_owned();
        Notification { channel, payload: notification.payload().to_owned(), pid: notification.process_id() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn only_what_is_readable_is_ready() {
        let (mut a, b) = UnixStream::pair().unwrap();
        let (_c, d) = UnixStream::pair().unwrap();
        a.write_all(b"x").unwrap();
        let ready = wait(&[b.as_raw_fd(), d.as_raw_fd()], None).unwrap();
        assert!(ready.has(b.as_raw_fd()) && !ready.has(d.as_raw_fd()));
    }

    #[test]
    fn the_other_end_going_away_wakes_too() {
        let (a, b) = UnixStream::pair().unwrap();
        drop(a);
        assert!(wait(&[b.as_raw_fd()], None).unwrap().has(b.as_raw_fd()));
    }

    #[test]
    fn nothing_at_all_is_a_timeout() {
        assert!(wait(&[], Some(Duration::from_micros(300))).unwrap().timed_out());
    }

    #[test]
    fn a_descriptor_that_is_not_open_is_our_mistake() {
        assert_eq!(wait(&[-1], None).unwrap_err().kind(), Kind::Bug);
        assert_eq!(wait(&[1_000_000], None).unwrap_err().kind(), Kind::Bug);
    }
}
