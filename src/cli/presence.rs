//! Whether a daemon runs for the control database, as the commands that want something of it see
//! it.

use crate::cli::Session;
use crate::control::presence::{Presence, presence};
use crate::error::{Error, Kind, Result};

/// The error for a command that wants something of the daemon, if none runs and none is about to.
pub fn absent(session: &mut Session) -> Result<Option<Error>> {
    match presence(&mut session.control)? {
        Presence::Serves(_) | Presence::Awaited => Ok(None),
        Presence::Absent(last) => {
            let last = last.filter(|last| !last.ended).map(|last| format!("; {} is gone without a word", last.label()));
            let database = &session.info.dbname;
            let sentence =
                format!("no Bucardo daemon is running for control database \"{database}\"{}", last.unwrap_or_default());
            Ok(Some(Error::new(Kind::Refused, sentence).hint(format!("To start one, run: {} start", session.prog)).exit_code(1)))
        }
    }
}
