//! The processes of the daemon: starting, stopping, dying, being replaced.

mod fresh;
mod jobs;
mod link;
mod load;
mod loss;
mod orphans;
mod outage;
mod replaced;
mod stops;
mod storm;
pub mod world;
