//! What whole-system tests stand on.
//!
//! * [`Cluster`]: a private PostgreSQL server in a folder of its own.
//! * [`Commands`]: running `bucardo_ctl`, or the same program called `bucardo`, with a private
//!   home.
//! * [`Installed`]: both, with a control database in the server and settings that keep every file
//!   in the folder.
//! * [`wait_until`]: waiting for a condition instead of sleeping.
//! * [`Proxy`]: a link that can be cut and can hang.
//! * [`Chance`]: random numbers that can be had again.
//!
//! A test needs nothing but one of these values: each lives in a temporary folder, and when the
//! value is dropped, or the test program dies in whatever way, all processes working there are
//! ended and the folder is removed (see `folder`).
//!
//! Environment: `BUCARDO_TEST_PG` names the `bin` directory of the server to use (default: the
//! newest one of Debian's, else the one on PATH); `BUCARDO_TEST_KEEP`, when set, leaves the folders
//! of failed and passed tests for inspection; `BUCARDO_TEST_LONG`, when set, lets some tests work
//! for minutes and with much, instead of for seconds.

#![allow(dead_code, unused_imports, reason = "a toolbox: not every tool is in use at every time")]

mod chance;
mod cluster;
mod commands;
mod folder;
mod installed;
mod proxy;
mod server;
mod template;
mod wait;

pub use chance::Chance;
pub use cluster::Cluster;
pub use commands::{Call, Commands, Outcome, Running};
pub use folder::Folder;
pub use installed::Installed;
pub use proxy::Proxy;
pub use wait::{TrueAtEnd, wait_until};

/// Whether tests may take their time: `BUCARDO_TEST_LONG` is set.
pub fn long() -> bool {
    std::env::var_os("BUCARDO_TEST_LONG").is_some()
}
