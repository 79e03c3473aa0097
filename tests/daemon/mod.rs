//! The processes of the daemon: starting, stopping, dying, being replaced.

mod fresh;
mod jobs;
mod loss;
mod replaced;
pub(crate) mod world;
