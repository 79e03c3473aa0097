//! PostgreSQL as this program sees it: connecting, waiting for something to happen on several connections at once,
//! identifiers that cannot be printed unquoted, secrets that cannot be printed at all, and the classes of errors.

pub mod class;
pub mod connection;
pub mod ident;
pub mod secret;

pub use connection::{ConnInfo, Connection};
pub use ident::{Ident, Relation};
pub use secret::Secret;
