//! Ctrl-C. A command that is interrupted, at a prompt or while it waits, says so and ends at once,
//! with the exit code that shells expect. What it had begun in a database is a transaction, which
//! the server takes back.

use crate::cli::output;
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// 128 and the number of the signal.
const CODE: i32 = 130;

/// Whether Ctrl-C is how the command ends.
static EXPECTED: AtomicBool = AtomicBool::new(false);

/// From now on, Ctrl-C is the end of the command and no interruption: what is being written is
/// written to its end, and nothing is said.
pub fn expect() {
    EXPECTED.store(true, Ordering::Relaxed);
}

/// Behind a whole line, and behind the `^C` that a terminal shows.
fn end() -> ! {
    let mut stdout = std::io::stdout().lock();
    if stdout.is_terminal() {
        // The terminal may be gone.
        let _ = stdout.write_all(b"\n").and_then(|()| stdout.flush());
    }
    std::process::exit(CODE)
}

/// From now on, SIGINT ends `verb` with a message. Who had SIGINT ignored, as `nohup` and scripts
/// do for what runs in the background, keeps it so. The daemon is another program: it is started
/// with the signals as they come by default.
pub fn watch(verb: &str) {
    if is_ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default()) {
        return;
    }
    let Ok(mut signals) = Signals::new([SIGINT]) else { return };
    let verb = verb.to_owned();
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            if EXPECTED.load(Ordering::Relaxed) {
                end();
            }
            output::err(format_args!("\nInterrupted: {verb} is not finished\n"));
            output::err(format_args!(
                "HINT: changes that were not complete are taken back; a request to the daemon takes its course\n"
            ));
            std::process::exit(CODE);
        }
    });
}

/// Whether SIGINT is among the signals that the kernel says are ignored.
fn is_ignored(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (SIGINT - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::is_ignored;

    #[test]
    fn the_second_bit_is_that_of_the_second_signal() {
        assert!(is_ignored("Name:\tx\nSigIgn:\t0000000000001002\n"));
        assert!(!is_ignored("SigIgn:\t0000000000001000\n") && !is_ignored(""));
    }
}
