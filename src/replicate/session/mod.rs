//! One connection to a replicated database at work: as source, as target, and as the relay between
//! two.

pub mod foreign_keys;
pub mod planner_settings;
pub mod relay;
pub mod source;
pub mod target;
pub mod temp_tables;
