//! Connecting, and what happens when servers or networks fail.

mod connect;
mod hung;
mod servers;
