//! The command, as a user meets it.

mod activate;
mod add;
mod fake_daemon;
mod help;
mod install;
mod kick;
mod list;
mod options;
mod ping;
mod prepared;
mod refused;
mod reload;
mod remove;
mod settings;
mod start;
mod status;
mod stop;
mod validate;
mod world;
