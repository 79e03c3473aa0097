//! Changes on their way from source to targets.

mod backlog;
mod basics;
mod case;
mod equal;
mod invariants;
mod masters;
mod names;
mod servers;
mod sessions;
mod targets;
mod transactions;
mod truncate;
mod world;
