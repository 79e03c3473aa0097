//! Carrying changes: capture → look → ship → apply → receipt.
//!
//! [`capture`] puts triggers on a source that note the keys of changed rows. A *round* ([`round`]) takes what is pending according to
//! the target's receipt ([`snapshot`]), ships the rows as they are now ([`relay`]) and applies them together with the new receipt in one
//! transaction. [`plan`] computes the statements from the tables' [`shape`]s; [`validate`] makes and checks all of it, and
//! [`places`] knows where it is.

pub mod accept;
mod aside;
pub mod capture;
pub mod compare;
pub mod faults;
pub mod form;
pub mod hands;
pub mod identity;
pub mod install;
pub mod lineage;
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
