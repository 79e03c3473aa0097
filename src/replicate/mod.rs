#![doc = include_str!("README.md")]

mod aside;
pub mod capture;
pub mod compare;
pub mod form;
pub mod hands;
pub mod install;
pub mod places;
pub mod plan;
pub mod preference;
pub mod reclaim;
pub mod references;
pub mod relay;
pub mod resolve;
pub mod rights;
pub mod round;
pub mod scratch;
pub mod sequence;
pub mod shape;
pub mod snapshot;
pub mod source;
pub mod step;
pub mod target;
pub mod trigger;
pub mod validate;
