//! Signals, as flags to look at and as one descriptor to wait on.

use crate::daemon::process::stop_watchdog::{self, StopWatchdog};
use crate::error::{Error, Kind, Result};
use crate::pg::Canceller;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR2};
use std::io::Read;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The signals of one process.
pub struct Signals {
    wakes: UnixStream,
    stop: Arc<AtomicBool>,
    hangup: Arc<AtomicBool>,
    reopen: Arc<AtomicBool>,
    child: Arc<AtomicBool>,
    patience: StopWatchdog,
}

impl Signals {
    /// Takes over SIGTERM and SIGINT (stop, see [`super::stop_watchdog`]), SIGHUP (reload, reopen
    /// logs), SIGUSR2 (reopen logs) and SIGCHLD.
    pub fn new() -> Result<Signals> {
        Signals::within(stop_watchdog::CHILD)
    }

    /// The same for the MCP.
    pub fn of_master() -> Result<Signals> {
        Signals::within(stop_watchdog::MASTER)
    }

    fn within(longest: Duration) -> Result<Signals> {
        Signals::register(longest).map_err(|error| Error::new(Kind::Bug, "signals cannot be received").caused_by(error))
    }

    fn register(longest: Duration) -> std::io::Result<Signals> {
        let (wakes, sender) = UnixStream::pair()?;
        wakes.set_nonblocking(true)?;
        let flag = || Arc::new(AtomicBool::new(false));
        let patience = StopWatchdog::default();
        let signals = Signals { wakes, stop: flag(), hangup: flag(), reopen: flag(), child: flag(), patience };
        let flags = [
            (SIGTERM, &signals.stop),
            (SIGINT, &signals.stop),
            (SIGHUP, &signals.hangup),
            (SIGUSR2, &signals.reopen),
            (SIGCHLD, &signals.child),
        ];
        for (signal, flag) in flags {
            // The flag first: whoever is woken must find it set.
            signal_hook::flag::register(signal, Arc::clone(flag))?;
            signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
        }
        let (bell, rope) = UnixStream::pair()?;
        for signal in [SIGTERM, SIGINT] {
            signal_hook::low_level::pipe::register(signal, rope.try_clone()?)?;
        }
        signals.patience.start(bell, longest)?;
        Ok(signals)
    }

    /// What is to be cancelled when a request to stop comes, in the place of what was named before.
    pub fn cancel_at_stop(&self, statements: Vec<Canceller>) {
        self.patience.cancel(statements);
    }

    /// Stops this process by its own will, with the same patience.
    pub fn ask_to_stop(&self) {
        // Cannot fail: we have a handler for it, and may signal ourselves.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM);
    }

    /// Readable when a signal came.
    pub fn fd(&self) -> RawFd {
        self.wakes.as_raw_fd()
    }

    /// Whether a signal came that nobody has looked at. [`Signals::fd`] may be quiet nevertheless.
    pub fn pending(&self) -> bool {
        [&self.stop, &self.hangup, &self.reopen, &self.child].into_iter().any(|flag| flag.load(Ordering::SeqCst))
    }

    /// Makes [`Signals::fd`] quiet again. Before looking at the flags.
    pub fn drain(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.wakes.read(&mut bytes), Ok(count) if count > 0) {}
    }

    /// Whether we are asked to stop. Stays true.
    pub fn stop(&self) -> bool {
        let asked = self.stop.load(Ordering::SeqCst);
        if asked {
            self.patience.notice();
        }
        asked
    }

    /// Whether SIGHUP came since the last call.
    pub fn hangup(&self) -> bool {
        self.hangup.swap(false, Ordering::SeqCst)
    }

    /// Whether SIGUSR2 came since the last call.
    pub fn reopen(&self) -> bool {
        self.reopen.swap(false, Ordering::SeqCst)
    }

    /// Whether a child may have died since the last call.
    pub fn child(&self) -> bool {
        self.child.swap(false, Ordering::SeqCst)
    }
}

/// Until [`Signals`] are there, SIGUSR2 would end the process; it is sent to all of a daemon's,
/// also to one that has just begun.
pub fn survive_reopen() {
    // Whoever cannot do that is no worse off than before.
    let _ = signal_hook::flag::register(SIGUSR2, Arc::new(AtomicBool::new(false)));
}
