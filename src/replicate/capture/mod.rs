//! What stands on a source: capture functions, triggers and delta tables, how they are made,
//! mended, retired and reclaimed, and how changes that were not captured are noticed.

pub mod departed_partition;
pub mod found;
pub mod gaps;
pub mod install;
pub mod kick;
pub mod later_partitions;
pub mod make;
pub mod objects;
pub mod reclaim;
pub mod records;
pub mod retire;
pub mod shed;
pub mod triggers;
