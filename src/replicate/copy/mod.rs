//! Copying whole tables: workers that copy several at a time, and indexes that are rebuilt
//! afterwards.

pub(in crate::replicate) mod indexes;
pub mod workers;
