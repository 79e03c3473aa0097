//! The validator: looks at one sync on all its databases, makes what is missing, records the
//! outcome, removes what is not needed any more, and leaves. The MCP starts one when a sync was
//! added, changed or deleted by SQL, where no program looked at the databases.

use crate::contained::contained;
use crate::control::sync::Sync;
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::launch::Launch;
use crate::daemon::process::mail_texts::Whose;
use crate::daemon::process::mailer;
use crate::daemon::process::role::Role;
use crate::daemon::process::signals::Signals;
use crate::error::{Kind, Result};
use crate::notice::log as our_log;
use crate::pg::Connection;
use crate::replicate::notes;
use crate::replicate::sync::{deployments, validate};

/// Validates and tidies; the exit code is 0 if the sync can run, or is gone without a trace.
pub fn run(launch: &Launch, role: &Role, sync: &str) -> u8 {
    if let Err(error) = our_log::init(&launch.log, "VAL") {
        eprintln!("{error}");
    }
    let outcome = Signals::new()
        .and_then(|signals| ControlSession::open(launch, role, signals))
        .and_then(|mut session| contained(|| look(launch, &mut session.control, sync)));
    match outcome {
        Ok(clean) => u8::from(!clean),
        Err(error) => {
            log::warn!("Warning! Sync \"{sync}\" cannot run: {error}");
            1
        }
    }
}

/// Says whether nothing is left to do.
fn look(launch: &Launch, control: &mut Connection, sync: &str) -> Result<bool> {
    match Sync::load(control, sync) {
        Err(error) if error.kind() == Kind::NotFound => log::info!("Sync \"{sync}\" is gone: tidying its databases"),
        Err(error) => return Err(error),
        Ok(stored) => {
            let outcome = validate::by_daemon(control, sync);
            let (source, target) = (stored.source.clone().unwrap_or_default(), stored.places().join(", "));
            mailer::tell_gaps(control, launch, &Whose { sync, source: &source, target: &target })?;
            let found = outcome?;
            log::info!("Sync \"{sync}\" is valid");
            for note in &found {
                log::log!(if notes::is_warning(note) { log::Level::Warn } else { log::Level::Info }, "{note}");
            }
        }
    }
    let left = deployments::tidy(control, sync)?;
    left.iter().for_each(|note| log::warn!("Warning! {note}"));
    Ok(left.is_empty())
}
