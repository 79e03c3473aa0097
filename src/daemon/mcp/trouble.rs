//! Why the daemon does not run a sync that it should run, kept in table `sync_state` for those who
//! ask. Looked at after everything that happens, and written only when it has changed.

use super::source_listeners::Sources;
use super::syncs::Syncs;
use crate::daemon::process::control_session::ControlSession;
use crate::error::Result;
use std::collections::BTreeMap;
use std::time::Instant;

/// What is written, by sync.
#[derive(Default)]
pub(super) struct Troubles(BTreeMap<String, Trouble>);

/// Why one sync does not run, or not as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// As the table has it.
    pub kind: &'static str,
    pub reason: String,
    /// When it is tried again.
    pub next: Option<Instant>,
}

impl Troubles {
    /// Nothing is known yet: what an earlier daemon has written is of no use.
    pub fn load(session: &mut ControlSession) -> Result<Troubles> {
        session.control.execute(
            "update bucardo.sync_state set trouble = null, reason = null, since = null, next_try = null where trouble is not null",
            &[],
        )?;
        Ok(Troubles::default())
    }

    /// Writes what has changed.
    pub fn note(&mut self, syncs: &Syncs, sources: &Sources, session: &mut ControlSession) -> Result<()> {
        let now: BTreeMap<String, Trouble> =
            syncs.names().filter_map(|name| Some((name.to_owned(), syncs.trouble(name, sources)?))).collect();
        if now == self.0 {
            return Ok(());
        }
        for name in self.0.keys().filter(|name| !now.contains_key(*name)) {
            let sql =
                "update bucardo.sync_state set trouble = null, reason = null, since = null, next_try = null where sync = $1";
            session.control.execute(sql, &[name])?;
        }
        for (name, trouble) in now.iter().filter(|(name, trouble)| self.0.get(*name) != Some(trouble)) {
            trouble.store(name, session)?;
        }
        self.0 = now;
        Ok(())
    }
}

impl Trouble {
    fn store(&self, name: &str, session: &mut ControlSession) -> Result<()> {
        let seconds = self.next.map(|next| next.saturating_duration_since(Instant::now()).as_secs_f64());
        let sql = "insert into bucardo.sync_state as t (sync, trouble, reason, since, next_try) \
                   select s.name, $2, $3, clock_timestamp(), clock_timestamp() + make_interval(secs => $4) \
                   from bucardo.sync s where s.name = $1 \
                   on conflict (sync) do update set trouble = excluded.trouble, reason = excluded.reason, \
                   next_try = excluded.next_try, since = case when t.trouble = excluded.trouble then t.since else excluded.since end";
        session.control.execute(sql, &[&name, &self.kind, &self.reason, &seconds])?;
        Ok(())
    }
}
