//! Whether a sync stands still because of an earlier command, for the commands that want it to run.

use crate::cli::Session;
use crate::control::state::{self, Standstill};
use crate::error::{Error, Kind, Result};
use crate::warn_user;

/// What keeps a sync from running until a person says otherwise, if anything does.
pub fn of(session: &mut Session, sync: &str) -> Result<Option<Standstill>> {
    let facts = state::load(&mut session.control, &[sync.to_owned()])?;
    Ok(facts.get(sync).and_then(|facts| facts.standstill(sync)))
}

/// The same as the error of a command that cannot do without the sync.
pub fn error(session: &mut Session, sync: &str) -> Result<Option<Error>> {
    let standstill = of(session, sync)?;
    Ok(standstill.map(|standstill| {
        let sentence = format!("the daemon cannot run sync \"{sync}\": {standstill}");
        Error::new(Kind::Refused, sentence).hint(standstill.hint(&session.prog))
    }))
}

/// Says what keeps a sync from running; whether anything does.
pub fn tell(session: &mut Session, sync: &str) -> Result<bool> {
    let standstill = of(session, sync)?;
    if let Some(standstill) = &standstill {
        warn_user!("sync \"{sync}\" does not run: {standstill}");
        warn_user!("HINT: {}", standstill.hint(&session.prog));
    }
    Ok(standstill.is_some())
}
