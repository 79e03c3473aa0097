//! The processes of the daemon: starting, stopping, dying, being replaced.

mod loss;
mod replaced;
mod world;
