//! The command, as a user meets it.

mod activate;
mod add;
mod customcode;
mod fake_daemon;
mod help;
mod hostile;
mod inspect;
mod install;
mod kick;
mod lines;
mod list;
mod machines;
mod newer;
mod options;
mod ping;
pub(crate) mod prepared;
mod refused;
mod reload;
mod remove;
mod settings;
mod start;
mod status;
mod stop;
mod update;
mod upgrade;
mod validate;
pub(crate) mod world;
