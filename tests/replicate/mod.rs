//! Changes on their way from source to targets.

mod apart;
mod backlog;
mod basics;
mod captures;
mod case;
mod chains;
mod copies;
pub mod equal;
mod failpoints;
pub mod invariants;
mod load;
mod masters;
mod names;
mod partitions;
mod references;
mod rights;
mod rivals;
mod sample;
mod servers;
mod sessions;
mod shapes;
mod targets;
mod transactions;
mod truncate;
mod types;
mod world;
