//! What stands on a source: capture functions, triggers and delta tables, how they are made, mended, retired and reclaimed,
//! and how changes that were not captured are noticed.

pub mod departed_partition;
pub mod gaps;
pub mod install;
pub(in crate::replicate) mod install_lock;
pub(crate) mod make;
pub mod objects;
pub mod reclaim;
pub mod records;
pub(crate) mod retire;
pub mod triggers;
