//! A panic that becomes an error. Values are taken out of rows by their types, and a server whose
//! answer is of another type, which no PostgreSQL server gives, makes the driver panic. Like every
//! other reason why something did not work, this one is stored and told.

use crate::error::{Error, Kind, Result};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is contained.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
    /// What it said.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Does something whose panic is an error.
pub fn contained<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    listen();
    let outer = CONTAINED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    CONTAINED.set(outer);
    outcome.unwrap_or_else(|_| {
        let error = Error::new(Kind::Bug, format!("unexpected answer from a server: {}", SAID.take()));
        Err(error.hint("Check that a PostgreSQL server listens where it was connected to; if so, report this as a bug."))
    })
}

/// Contained panics are not printed but kept.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| if CONTAINED.get() { keep(panic) } else { usual(panic) }));
    });
}

fn keep(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
    SAID.set(format!("{}{place}", text.unwrap_or("no reason")));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_what_and_where() {
        let error = contained::<()>(|| panic!("column {} is missing", 1)).unwrap_err();
        assert_eq!(error.kind(), Kind::Bug);
        let sentence = error.to_string();
        assert!(sentence.starts_with("unexpected answer from a server: column 1 is missing (src/contained.rs:"), "{sentence}");
        assert_eq!(contained(|| Ok(7)).unwrap(), 7);
        assert!(!CONTAINED.get());
    }
}
