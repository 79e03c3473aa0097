//! What the catalogs of the replicated databases say: the shape of tables, how two of them compare,
//! privileges, foreign keys, and what else decides how rows can be carried.

pub mod bypasses;
pub mod capture_triggers;
pub mod compare;
pub mod digest;
pub mod owner_path;
pub mod privileges;
pub mod shape;
pub mod stray_partitions;
