//! When the guard looks, and at what: at syncs for which the control database does not show that
//! all is well. Where they all run, and no limits are set, the guard is not started.

use crate::control::settings::Settings;
use crate::daemon::process::control_session::ControlSession;
use crate::daemon::process::launch::{self, Launch};
use crate::daemon::process::role::Role;
use crate::error::Result;
use std::time::{Duration, Instant};

/// How often it looks, unless `waiting_alarm` is shorter.
const EVERY: f64 = 60.0;

/// When it is time again, and who looks.
pub(super) struct Guards {
    at: Instant,
    child: Option<i32>,
}

impl Guards {
    /// The first look has time.
    pub fn new() -> Guards {
        Guards { at: Instant::now() + Duration::from_secs_f64(EVERY), child: None }
    }

    /// Looks as often as the settings make sense of.
    pub fn load(&mut self, session: &mut ControlSession) -> Result<()> {
        self.at = Instant::now() + every(session)?;
        Ok(())
    }

    /// When it is time again.
    pub fn next(&self) -> Option<Instant> {
        self.child.is_none().then_some(self.at)
    }

    /// Starts the guard, if it is time and there is something to look at.
    pub fn start_due(&mut self, session: &mut ControlSession, launch: &Launch) -> Result<()> {
        if self.child.is_some() || Instant::now() < self.at {
            return Ok(());
        }
        self.at = Instant::now() + every(session)?;
        let rows = session.control.query(include_str!("guarded.sql"), &[])?;
        let syncs: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        if !syncs.is_empty() {
            self.child = Some(launch::spawn(Role::Guard { syncs }, launch)?);
        }
        Ok(())
    }

    /// Some child died.
    pub fn died(&mut self, pid: i32) {
        if self.child == Some(pid) {
            self.child = None;
        }
    }

    /// The process.
    pub fn pid(&self) -> Option<i32> {
        self.child
    }
}

fn every(session: &mut ControlSession) -> Result<Duration> {
    let patience = Settings::load(&mut session.control)?.number("waiting_alarm");
    let seconds = if patience > 0.0 { patience.clamp(1.0, EVERY) } else { EVERY };
    Ok(Duration::from_secs_f64(seconds))
}
