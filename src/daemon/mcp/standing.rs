//! What commands have told the daemon about its syncs, as table `sync_state` keeps it: a pause
//! lasts until it is lifted, and what `activate` and `deactivate` say lasts until the daemon is
//! restarted or reloads all syncs.

use crate::control::state::{self, Asked};
use crate::control::sync::Sync;
use crate::daemon::process::control_session::ControlSession;
use crate::error::Result;
use std::collections::BTreeMap;

/// What was told about one sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Standing {
    /// It is paused.
    pub paused: bool,
    /// What goes before its status.
    pub asked: Option<Asked>,
}

/// A command about one sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Activate,
    Deactivate,
    Pause,
    Resume,
}

impl Order {
    /// The verb, and the verb of the answer.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Order::Activate => ("activate", "activated"),
            Order::Deactivate => ("deactivate", "deactivated"),
            Order::Pause => ("pause", "paused"),
            Order::Resume => ("resume", "resumed"),
        }
    }
}

impl Standing {
    /// Whether a sync is on, paused or not.
    pub fn is_on(self, sync: &Sync) -> bool {
        let wanted = self.asked.map_or(sync.wanted, |asked| asked == Asked::Activate);
        wanted && sync.possible
    }

    /// Whether a sync is to be run.
    pub fn runs(self, sync: &Sync) -> bool {
        self.is_on(sync) && !self.paused
    }

    /// What holds after a command; none if that makes no sense for the sync as it is. The last
    /// command counts. One that says what the status says anyway leaves nothing behind.
    pub fn after(self, order: Order, sync: &Sync) -> Option<Standing> {
        let asked = |wanted: bool, asked| if sync.wanted == wanted { None } else { Some(asked) };
        match order {
            Order::Activate if !sync.possible => None,
            Order::Activate => Some(Standing { paused: false, asked: asked(true, Asked::Activate) }),
            Order::Deactivate => Some(Standing { asked: asked(false, Asked::Deactivate), ..self }),
            Order::Pause if self.is_on(sync) => Some(Standing { paused: true, ..self }),
            Order::Pause => None,
            // It lifts a pause, and not what `deactivate` has said.
            Order::Resume => Some(Standing { paused: false, ..self }).filter(|lifted| lifted.is_on(sync)),
        }
    }

    /// Stores it; a sync that is gone meanwhile needs none.
    pub fn store(self, name: &str, session: &mut ControlSession) -> Result<()> {
        let sql = "insert into bucardo.sync_state as t (sync, paused, asked) \
                   select s.name, case when $2 then clock_timestamp() end, $3 from bucardo.sync s where s.name = $1 \
                   on conflict (sync) do update set asked = excluded.asked, \
                   paused = case when $2 then coalesce(t.paused, excluded.paused) end";
        session.control.execute(sql, &[&name, &self.paused, &self.asked.map(word)])?;
        Ok(())
    }
}

fn word(asked: Asked) -> &'static str {
    match asked {
        Asked::Activate => "activate",
        Asked::Deactivate => "deactivate",
        Asked::Added => "added",
    }
}

/// A daemon that was started or reloads all syncs goes by their statuses.
pub(super) fn forget_orders(session: &mut ControlSession) -> Result<()> {
    let forgotten = session.control.execute("update bucardo.sync_state set asked = null where asked is not null", &[]);
    forgotten.map(drop).map_err(|error| state::outdated(error.into()))
}

/// What was told about a sync, or about all.
pub(super) fn load(session: &mut ControlSession, name: Option<&str>) -> Result<BTreeMap<String, Standing>> {
    let sql = "select sync, paused is not null, asked from bucardo.sync_state where $1::text is null or sync = $1";
    let rows = session.control.query(sql, &[&name])?;
    let asked =
        |word: &str| [Asked::Activate, Asked::Deactivate, Asked::Added].into_iter().find(|asked| self::word(*asked) == word);
    let standing = |row: &postgres::Row| Standing { paused: row.get(1), asked: row.get::<_, Option<&str>>(2).and_then(asked) };
    Ok(rows.iter().map(|row| (row.get(0), standing(row))).collect())
}

/// Gives each sync a row: one that is renamed takes it along, and is known by that.
pub(super) fn know_all(session: &mut ControlSession) -> Result<()> {
    let sql = "insert into bucardo.sync_state (sync) select name from bucardo.sync on conflict (sync) do nothing";
    let known = session.control.execute(sql, &[]).map_err(|error| state::outdated(error.into()));
    known.map(drop)
}
