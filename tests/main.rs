//! The one whole-system test program. Its modules mirror `src/`; each test is a sentence about what
//! a user sees, told with real servers and the real binary. What they stand on (private servers,
//! running our commands, waiting) is `harness`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod cli;
mod control;
mod daemon;
mod docs;
mod harness;
mod notice;
mod pg;
mod replicate;
mod scripts;
mod shop;
