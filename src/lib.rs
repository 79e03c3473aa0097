//! Asynchronous replication between PostgreSQL databases: the library behind `bucardo_ctl`.
//!
//! Data flows one way. [`cli`] understands commands and [`daemon`] runs the processes; both call
//! [`replicate`] (capture, round, apply), `hooks` and [`control`] (the control database as typed
//! rows); those call [`pg`] (connecting, waiting, identifiers, error classes). Nothing calls back
//! up. [`notice`] is the log, [`error`] the one error type, [`contained`](mod@contained) what makes
//! one of a panic, [`plain`] and [`files`] are for text and files that others may have had their
//! hands in.

// The driver under the name that its types are known by; the tests use the crate of that name.
extern crate tokio_postgres as postgres;

pub mod cli;
pub mod contained;
pub mod control;
pub mod daemon;
pub mod error;
pub mod files;
pub mod notice;
pub mod pg;
pub mod plain;
pub mod replicate;
