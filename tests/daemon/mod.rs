//! The processes of the daemon: starting, stopping, dying, being replaced.

mod bookkeeping;
mod crowded;
mod fresh;
mod gone;
mod in_step;
mod incomplete;
mod instances;
mod jobs;
mod joining;
mod limits;
mod link;
mod load;
mod loss;
mod orders;
mod orphans;
mod outage;
mod rehearsal;
mod replaced;
mod requests;
mod seen;
pub mod states;
mod stops;
mod storm;
mod stranger;
mod validity;
mod verbs;
pub mod world;
