//! What commands say about single syncs, and what follows from a new status.

use super::main_loop::Mcp;
use super::standing::Order;
use crate::control::{channel, joining};
use crate::error::Result;

impl Mcp<'_> {
    /// A command activates, deactivates, pauses or resumes a sync. What is to hold is stored before
    /// it is done: a daemon that is restarted in between comes to the same.
    pub(super) fn order(&mut self, sync: &str, order: Order) -> Result<()> {
        let (verb, answer) = order.words();
        log::info!("Received request to {verb} sync \"{sync}\"");
        let Some(standing) = self.syncs.told(sync, order, &mut self.session)? else {
            log::warn!("Warning! Cannot {verb} sync \"{sync}\": it, or its source database, is not active");
            return self.session.announce(&channel::sync_error(sync), verb);
        };
        standing.store(sync, &mut self.session)?;
        if self.syncs.runs(sync) && self.syncs.is_to_run(sync) {
            return self.answer(sync, answer);
        }
        if !self.syncs.will_run(sync) {
            self.reloads.forget(sync);
        }
        self.restart(sync)?;
        if joining::unseen(&mut self.session.control)?.iter().any(|name| name == sync) && self.syncs.is_to_run(sync) {
            self.validators.need(sync);
        }
        self.answer(sync, answer)?;
        match self.syncs.is_to_run(sync) {
            true => Ok(()),
            // A command that waits for a kick need not wait any longer.
            false => self.session.announce(&channel::sync_error(sync), ""),
        }
    }

    /// A sync whose status has changed is run by that, or not any more; earlier commands are
    /// forgotten, but for a pause.
    pub(super) fn follow_statuses(&mut self) -> Result<()> {
        for sync in self.syncs.with_new_status(&mut self.session)? {
            log::info!("The status of sync \"{sync}\" has changed");
            self.restart(&sync)?;
        }
        Ok(())
    }
}
