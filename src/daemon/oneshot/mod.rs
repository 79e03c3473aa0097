//! Processes that do one thing and exit: validating a sync, and trying out databases.

pub mod guard;
pub mod test_databases;
pub mod validate_sync;
