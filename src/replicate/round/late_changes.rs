//! Changes that come late: a receiver that is a master has changed the same rows since the round
//! looked. They are decided while the receiver is written, or left to the next round, in which they
//! meet like others.

use super::Sessions;
use crate::error::Result;
use crate::replicate::ids::{MemberId, TableId};
use crate::replicate::plan::strategy::Strategy;
use crate::replicate::session::relay;
use crate::replicate::session::target::Settled;
use std::collections::BTreeSet;

/// How late changes of a table are decided.
#[derive(Clone, Copy)]
pub(super) struct LateRules {
    pub strategy: Strategy,
    /// The last round was repeated because of what late changes decide: now they are decided here.
    pub insists: bool,
    /// Records of conflicts hold the rows.
    pub detailed: bool,
}

/// Receivers and tables with keys that are left to the next round.
#[derive(Default)]
pub(super) struct LateChanges {
    left: BTreeSet<(MemberId, TableId)>,
}

impl LateChanges {
    /// A table was written at a receiver, and what came late there was settled.
    pub fn settled(&mut self, receiver: MemberId, table: TableId, settled: &Settled) {
        if settled.left {
            self.left.insert((receiver, table));
        }
    }

    /// Sources note once more what came too late at a receiver and was not decided there, so that
    /// it meets in the next round.
    pub fn note_again(&self, sessions: &mut Sessions) -> Result<()> {
        for lane in sessions.lanes.iter() {
            for (_, table) in self.left.iter().filter(|(receiver, _)| *receiver == lane.to) {
                let (source, target) = (&mut sessions.sources[lane.from], &mut sessions.targets[lane.to]);
                let (query, fill) = (lane.plans[*table].late_query(), lane.plans[*table].fill_delta());
                relay::copy(&mut target.conn, &query, &mut source.conn, &fill, &lane.encoding, &mut |_| Ok(()))?;
            }
        }
        Ok(())
    }
}
