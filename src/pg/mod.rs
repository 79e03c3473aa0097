//! PostgreSQL as this program sees it: connecting, waiting for something to happen on several
//! connections at once, identifiers that cannot be printed unquoted, secrets that cannot be printed
//! at all, and the classes of errors.
//!
//! A connection comes about in three steps. [`conninfo::Parts`], what somebody said about a
//! database, is completed to a [`ConnInfo`] from connection string, service file, environment and
//! password file, as libpq does. [`Connecting`] makes a [`Connection`] of it within a time limit,
//! encrypted as `sslmode` says; on a replicated database it also gets the settings of [`session`].
//! From then on [`wait()`] tells when there is something to read, and the connection hands out its
//! notifications.

pub mod catalog_text;
pub mod class;
pub mod client;
pub mod connect;
pub mod connection;
pub mod conninfo;
pub mod ident;
pub mod isolation;
pub mod pooler;
pub mod schema;
pub mod secret;
pub mod session;
pub mod template;
pub mod trace;
pub mod wait;

pub use client::{Client, CopyInWriter, CopyOutReader};
pub use connect::Connecting;
pub use connection::{Canceller, Connection};
pub use conninfo::ConnInfo;
pub use ident::{Ident, Relation};
pub use isolation::Isolation;
pub use schema::{Installation, Schema};
pub use secret::Secret;
pub use template::fill;
pub use wait::{Notification, wait};
