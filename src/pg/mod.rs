//! PostgreSQL as this program sees it: connecting, waiting for something to happen on several connections at once,
//! identifiers that cannot be printed unquoted, secrets that cannot be printed at all, and the classes of errors.

pub mod class;
pub mod connect;
pub mod connection;
pub mod conninfo;
pub mod ident;
pub mod secret;
pub mod session;
pub mod wait;

pub use connect::Connecting;
pub use connection::{Canceller, Connection};
pub use conninfo::ConnInfo;
pub use ident::{Ident, Relation};
pub use secret::Secret;
pub use wait::{Notification, wait};
