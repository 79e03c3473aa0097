//! The tester: tries to connect to databases that were added or changed by SQL, records how that
//! went in `db_connlog`, and leaves.

use crate::control::db;
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::launch::Launch;
use crate::daemon::process::role::Role;
use crate::daemon::process::signals::Signals;
use crate::error::Result;
use crate::notice::log as our_log;

/// Tries all; the exit code tells only whether the outcomes could be recorded.
pub fn run(launch: &Launch, role: &Role, dbs: &[String]) -> u8 {
    if let Err(error) = our_log::init(&launch.log, "MCP") {
        eprintln!("{error}");
    }
    match test(launch, role, dbs) {
        Ok(()) => 0,
        Err(error) => {
            log::warn!("Warning! Databases could not be tested: {error}");
            1
        }
    }
}

fn test(launch: &Launch, role: &Role, dbs: &[String]) -> Result<()> {
    let mut session = ControlSession::open(launch, role, Signals::new()?)?;
    for db in dbs {
        match db::try_out(&mut session.control, db, &role.application_name("test"))? {
            None => log::info!("Database \"{db}\" can be reached"),
            Some(error) => log::warn!("Warning! Database \"{db}\" cannot be reached: {error}"),
        }
    }
    Ok(())
}
