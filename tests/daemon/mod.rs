//! The processes of the daemon: starting, stopping, dying, being replaced.

mod fresh;
mod gone;
mod jobs;
mod link;
mod load;
mod loss;
mod orphans;
mod outage;
mod replaced;
mod stops;
mod storm;
mod validity;
pub mod world;
