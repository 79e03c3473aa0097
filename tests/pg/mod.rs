//! Connecting, and what happens when servers or networks fail.

mod certificates;
mod connect;
mod conninfo;
mod hung;
mod poolers;
mod rubbish;
mod servers;
mod session;
mod tls;
mod wait;
