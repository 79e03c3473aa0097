#![doc = include_str!("README.md")]

pub mod ctl;
pub mod entry;
pub mod kid;
pub mod mcp;
pub mod oneshot;
pub mod process;
