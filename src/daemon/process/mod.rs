//! What every process of the daemon has: its role and launch, its title, signals and stop watchdog,
//! its session on the control database, its pid file, its children and its mails.

pub mod backoff;
pub mod children;
pub mod control_session;
pub mod exit_codes;
pub mod instance;
pub mod launch;
pub mod mail_texts;
pub mod mailer;
pub mod pidfile;
pub mod role;
pub mod signals;
pub(in crate::daemon) mod stop_watchdog;
pub mod title;
