//! Waiting for a condition.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(10);

/// Looks again and again until `condition` gives a value; panics with `what` when `deadline` has
/// passed.
pub fn wait_until<T>(what: &str, deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "waited {deadline:?} in vain until {what}");
        sleep(STEP);
    }
}

/// Makes a flag true when it goes, also when the test fails: a thread that looks at it then ends.
pub struct TrueAtEnd<'a>(pub &'a AtomicBool);

impl Drop for TrueAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
