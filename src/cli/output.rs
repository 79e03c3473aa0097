//! What people and scripts read. Standard output is written at once and survives a reader that went away (`… | head -1`):
//! what can no longer be read is dropped, and the command finishes its work as if it had been.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes to standard output without a newline, at once: progress lines grow while the reader looks on.
pub fn out(text: Arguments<'_>) {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_fmt(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) => {
            err(format_args!("Could not write standard output: {error}\n"));
        }
        _ => {}
    }
}

/// Whether something that somebody wanted to keep could not be written, because a disk is full.
static LOST: AtomicBool = AtomicBool::new(false);

/// The exit code of a command that would end with `code`: what could not be written is a failure.
pub fn code(code: u8) -> u8 {
    if code == 0 && LOST.load(Ordering::Relaxed) { 1 } else { code }
}

/// Asks; the end of input is a no.
pub fn agreed(question: &str) -> bool {
    out(format_args!("{question}"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && answer.to_lowercase().contains('y')
}

/// Writes to standard error, in one piece.
pub fn err(text: Arguments<'_>) {
    drop(std::io::stderr().write_all(text.to_string().as_bytes()));
}

/// Prints a line on standard output, as `println!` does, but survives a closed pipe.
#[macro_export]
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::output::out(format_args!("{}\n", format_args!($($words)*))) };
}

/// Prints on standard output without ending the line.
#[macro_export]
macro_rules! say_part {
    ($($words:tt)*) => { $crate::cli::output::out(format_args!($($words)*)) };
}

/// Prints a line on standard error.
#[macro_export]
macro_rules! warn_user {
    ($($words:tt)*) => { $crate::cli::output::err(format_args!("{}\n", format_args!($($words)*))) };
}
