//! The command, as a user meets it.

mod activate;
mod fake_daemon;
mod kick;
mod ping;
mod prepared;
mod reload;
mod start;
mod status;
mod stop;
mod validate;

mod install;
