#![doc = include_str!("README.md")]

pub mod capture;
pub mod catalog;
pub mod copy;
pub mod identity;
pub mod ids;
pub mod notes;
pub mod own_schema;
pub mod plan;
pub mod round;
pub mod session;
pub mod snapshot;
pub mod sync;
