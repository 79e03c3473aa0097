//! Child processes: who has died, and ending those that shall.

use crate::daemon::process::signals::Signals;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With an exit code.
    Exit(i32),
    /// By a signal.
    Signal(Signal),
}

impl End {
    /// For messages: `exited with code 1`, `was killed by SIGKILL`.
    pub fn words(self) -> String {
        match self {
            End::Exit(code) => format!("exited with code {code}"),
            End::Signal(signal) => format!("was killed by {signal}"),
        }
    }
}

/// The next child that has died, without waiting.
pub fn reap() -> Option<(i32, End)> {
    reap_with(Some(WaitPidFlag::WNOHANG))
}

fn reap_with(flags: Option<WaitPidFlag>) -> Option<(i32, End)> {
    loop {
        match waitpid(None::<Pid>, flags) {
            Ok(WaitStatus::Exited(pid, code)) => return Some((pid.as_raw(), End::Exit(code))),
            Ok(WaitStatus::Signaled(pid, signal, _)) => return Some((pid.as_raw(), End::Signal(signal))),
            Ok(WaitStatus::StillAlive) => return None,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
}

/// Sends a signal to a child. One that is gone already needs none.
pub fn signal(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Asks children to stop, waits for them at most `patience`, and then ends the rest by force.
/// Returns how each child that died meanwhile did. A request to stop ourselves is noticed.
pub fn stop_all(pids: &[i32], patience: Duration, signals: &Signals) -> BTreeMap<i32, End> {
    pids.iter().for_each(|pid| signal(*pid, Signal::SIGTERM));
    let deadline = Instant::now() + patience;
    let mut ended = BTreeMap::new();
    while left(pids, &ended).next().is_some() && Instant::now() < deadline {
        match reap() {
            Some((pid, end)) => drop(ended.insert(pid, end)),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
        signals.stop();
    }
    left(pids, &ended).for_each(|pid| signal(pid, Signal::SIGKILL));
    while left(pids, &ended).next().is_some() {
        match reap_with(None) {
            Some((pid, end)) => drop(ended.insert(pid, end)),
            None => break,
        }
    }
    ended
}

fn left<'a>(pids: &'a [i32], ended: &'a BTreeMap<i32, End>) -> impl Iterator<Item = i32> + 'a {
    pids.iter().copied().filter(|pid| !ended.contains_key(pid))
}
