//! What people and scripts read. Standard output is written at once and survives a reader that went
//! away (`… | head -1`): what can no longer be read is dropped, and the command finishes its work
//! as if it had been.

use crate::plain;
use std::cell::RefCell;
use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// What is not written but gathered.
    static GATHERED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Gathers what `work` would write, to standard error, too, instead of writing it.
pub fn gathered<T>(work: impl FnOnce() -> T) -> (T, String) {
    GATHERED.set(Some(String::new()));
    let done = work();
    (done, GATHERED.take().unwrap_or_default())
}

/// Adds to what is gathered, if something is.
fn gather(text: &str) -> bool {
    GATHERED.with_borrow_mut(|gathered| gathered.as_mut().map(|all| all.push_str(text))).is_some()
}

/// Writes to standard output what belongs on one line, without its end, at once: progress lines
/// grow while the reader looks on. A name in it may come from anywhere, and neither ends the line
/// nor colours it.
pub fn part(text: Arguments<'_>) {
    raw(&plain::line(&text.to_string()));
}

/// The same with the end of the line.
pub fn line(text: Arguments<'_>) {
    raw(&(plain::line(&text.to_string()).into_owned() + "\n"));
}

/// The same for a text with lines and tabs of its own. A name in it was escaped before.
pub fn text(text: Arguments<'_>) {
    raw(&plain::lines(&text.to_string()));
}

/// The same with what terminals obey in it: for texts that are all our own, but for names that were
/// escaped before.
pub fn raw(text: &str) {
    if gather(text) {
        return;
    }
    let mut stdout = std::io::stdout().lock();
    // In one piece, where it is no longer than what the reader is given at a time.
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => UNREAD.store(true, Ordering::Relaxed),
        Err(error) if !LOST.swap(true, Ordering::Relaxed) => {
            err(format_args!("Could not write standard output: {error}\n"));
        }
        _ => {}
    }
}

/// Whether something that somebody wanted to keep could not be written, because a disk is full.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether the reader of standard output went away.
static UNREAD: AtomicBool = AtomicBool::new(false);

/// Whether anybody still reads standard output, as far as is known.
pub fn is_read() -> bool {
    !UNREAD.load(Ordering::Relaxed)
}

/// The exit code of a command that would end with `code`: what could not be written is a failure.
pub fn code(code: u8) -> u8 {
    if code == 0 && LOST.load(Ordering::Relaxed) { 1 } else { code }
}

/// Asks; the end of input is a no.
pub fn agreed(question: &str) -> bool {
    part(format_args!("{question}"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && answer.to_lowercase().contains('y')
}

/// Writes to standard error, in one piece.
pub fn err(text: Arguments<'_>) {
    raw_err(&plain::lines(&text.to_string()));
}

/// The same with what terminals obey in it: what was escaped before, in colour.
pub fn raw_err(text: &str) {
    if !gather(text) {
        drop(std::io::stderr().write_all(text.as_bytes()));
    }
}

/// Prints a line on standard output, as `println!` does, but survives a closed pipe.
#[macro_export]
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::output::line(format_args!($($words)*)) };
}

/// Prints a text with lines of its own on standard output.
#[macro_export]
macro_rules! say_text {
    ($($words:tt)*) => { $crate::cli::output::text(format_args!("{}\n", format_args!($($words)*))) };
}

/// Prints on standard output without ending the line.
#[macro_export]
macro_rules! say_part {
    ($($words:tt)*) => { $crate::cli::output::part(format_args!($($words)*)) };
}

/// Prints a line on standard error.
#[macro_export]
macro_rules! warn_user {
    ($($words:tt)*) => { $crate::cli::output::err(format_args!("{}\n", format_args!($($words)*))) };
}
