//! The control database as typed rows: settings, databases, goats, syncs, the queue and the
//! channels.

pub mod access;
pub mod channel;
pub mod connections;
pub mod db;
pub mod departed_partition;
pub mod former_name;
pub mod gap;
pub mod identity;
pub mod joining;
pub mod presence;
pub mod private;
pub mod queue;
pub mod schema;
pub mod servers;
pub mod setting_table;
pub mod settings;
pub mod state;
pub mod sync;
pub mod upgrade;
