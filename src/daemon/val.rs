//! The validator: looks at one sync on all its databases, makes what is missing, records the outcome, and leaves. The MCP starts one when a
//! sync was added or changed by SQL, where no program looked at the databases.

use crate::daemon::desk::Desk;
use crate::daemon::launch::Launch;
use crate::daemon::role::Role;
use crate::daemon::signals::Signals;
use crate::error::Result;
use crate::notice::log as our_log;
use crate::replicate::validate;

/// Validates; the exit code is 0 if the sync can run, 1 if not.
pub fn run(launch: &Launch, role: &Role, sync: &str) -> u8 {
    if let Err(error) = our_log::init(&launch.log, "VAL") {
        eprintln!("{error}");
    }
    match look(launch, role, sync) {
        Ok(notes) => {
            log::info!("Sync \"{sync}\" is valid");
            notes.iter().for_each(|note| log::info!("{note}"));
            0
        }
        Err(error) => {
            log::warn!("Warning! Sync \"{sync}\" cannot run: {error}");
            1
        }
    }
}

fn look(launch: &Launch, role: &Role, sync: &str) -> Result<Vec<String>> {
    let mut desk = Desk::open(launch, role, Signals::new()?)?;
    validate::sync(&mut desk.control, sync)
}
