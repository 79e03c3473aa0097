//! The carrier: everything that one KID needs to run rounds.

use super::parallel_copy::ParallelCopy;
use super::{Copies, Sessions};
use crate::control::sync::Bypass;
use crate::error::{Error, Result};
use crate::pg::Connection;
use crate::replicate::capture::{reclaim, retire};
use crate::replicate::copy::workers::CopyConnections;
use crate::replicate::ids::{ById, ByMember, MemberId, TableId};
use crate::replicate::plan::strategy::Strategy;
use crate::replicate::round::retry_mode::RetryMode;
use crate::replicate::round::sequence::Sequences;
use crate::replicate::session::source::Source;
use std::collections::BTreeMap;
use std::os::fd::RawFd;

/// See the module's text.
pub struct Carrier {
    pub(super) parts: Parts,
    /// The last round did not take all that was pending.
    pub(super) cut: bool,
    /// What the next round does otherwise, after rounds that failed.
    pub(super) retry: RetryMode,
    /// The tables that the present round is about.
    pub(super) working: Vec<TableId>,
    /// The receivers' tables were compared with the plans while the round's locks on them were
    /// held.
    pub(super) receivers_checked: bool,
    /// The tables that the present round copies at once.
    pub(super) parallel: ParallelCopy,
}

/// What a carrier is put together from.
pub struct Parts {
    /// The sync.
    pub sync: String,
    /// The target by which the KID is named.
    pub place: String,
    /// The sessions on the members, and the lanes between them.
    pub sessions: Sessions,
    /// What is special about the tables.
    pub tables: ById<TableId, Table>,
    /// The sequences.
    pub sequences: Sequences,
    /// The copies that were asked for.
    pub copies: Copies,
    /// How to copy several tables at once, where there is one source.
    pub connections: Option<CopyConnections>,
    /// The number of changes of one table after which a backlog is cut.
    pub batch: i64,
    /// Records of conflicts hold the rows of all masters.
    pub details: bool,
    /// How long changes took is noted in the control database.
    pub rates: bool,
    /// Rounds are rolled back at their end, and no receipt moves.
    pub rehearses: bool,
    /// When the members were compared with how they were known, by the control database's clock.
    pub compared_at: String,
    /// A digest of the types that the columns of a member are made of, from before that.
    pub types: ByMember<String>,
}

/// What is special about a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Table {
    /// How conflicts are decided.
    pub strategy: Strategy,
    /// It is to be copied as a whole by the next round.
    pub copy: bool,
    /// But only if it is empty.
    pub only_empty: bool,
    /// When that is less work than its changes.
    pub bypass: Option<Bypass>,
}

impl Carrier {
    /// Puts the parts together and reads the receipts.
    pub fn new(parts: Parts) -> Result<Carrier> {
        let mut parts = parts.heeding_references()?;
        parts.sessions.open(&parts.sync, parts.copies.only)?;
        Ok(Carrier {
            parts,
            cut: false,
            retry: RetryMode::default(),
            working: Vec::new(),
            receivers_checked: false,
            parallel: ParallelCopy::default(),
        })
    }

    /// A job begins.
    pub fn begin_job(&mut self) {
        if self.parts.copies.only {
            self.parts.tables.iter_mut().for_each(|table| table.copy = true);
        }
    }

    /// Whether each job copies all tables, so that what changes during a job is left to the next
    /// one that somebody asks for.
    pub fn copies_only(&self) -> bool {
        self.parts.copies.only
    }

    /// Makes sure that no crash of a receiver's server undoes what the rounds brought it.
    pub fn settle(&mut self) -> Result<()> {
        let settled = self.parts.sessions.targets.values_mut().try_for_each(|target| target.settle(&self.parts.sync));
        settled.map_err(|error| self.named(error))
    }

    /// Tells each source how far its receivers are, once after each move: what they are said to
    /// have may be reclaimed.
    pub fn note_receipts(&mut self) -> Result<()> {
        if self.parts.rehearses {
            return Ok(());
        }
        self.settle()?;
        if self.parts.copies.only {
            return Ok(());
        }
        for lane in self.parts.sessions.lanes.iter_mut() {
            if let (false, Some(receipt)) = (lane.noted, &lane.receipt) {
                self.parts.sessions.sources[lane.from].note_receipt(
                    &self.parts.sync,
                    &self.parts.sessions.names[lane.to],
                    receipt,
                    lane.copied,
                )?;
                (lane.noted, lane.copied) = (true, false);
            }
        }
        Ok(())
    }

    /// Copies the receipts if tables have been copied as a whole: what a source could not capture
    /// is answered by that, and the copy is not asked for any more once the job has ended.
    pub fn note_copies(&mut self) -> Result<()> {
        if self.parts.sessions.lanes.iter().any(|lane| lane.copied) { self.note_receipts() } else { Ok(()) }
    }

    /// Whether a crash of a source may still undo its mark.
    pub fn is_unsealed(&self) -> bool {
        self.parts.sessions.sources.values().any(Source::is_unsealed)
    }

    /// Makes sure that no crash of a source undoes its mark, and tells its receivers.
    pub fn seal(&mut self) -> Result<()> {
        let mut sealed: BTreeMap<MemberId, Vec<(&str, i64)>> = BTreeMap::new();
        for (from, source) in self.parts.sessions.sources.iter_mut().filter(|(_, source)| source.is_unsealed()) {
            let marks = source.seal()?;
            for lane in self.parts.sessions.lanes.iter().filter(|lane| lane.from == *from) {
                let mark =
                    marks.get(&self.parts.sessions.names[lane.to]).map(|mark| (self.parts.sessions.names[*from].as_str(), *mark));
                sealed.entry(lane.to).or_default().extend(mark);
            }
        }
        for (to, marks) in sealed {
            self.parts.sessions.targets[to].seal(&self.parts.sync, &marks)?;
        }
        Ok(())
    }

    /// Says on all sources that we are about to sleep. Look once more after this.
    pub fn arm(&mut self) -> Result<()> {
        self.parts.sessions.sources.values_mut().try_for_each(Source::arm)
    }

    /// Says on all sources that we are awake; also where another fails.
    pub fn disarm(&mut self) -> Result<()> {
        let alive = self.parts.sessions.sources.values_mut().filter(|source| !source.conn.is_closed());
        alive.map(Source::disarm).fold(Ok(()), Result::and)
    }

    /// Whether flags are to be looked at, while we sleep.
    pub fn may_ring(&self) -> bool {
        self.parts.sessions.sources.values().any(Source::may_ring)
    }

    /// Whether writers on one of the sources have marked its flag.
    pub fn rung(&mut self) -> Result<bool> {
        let mut rung = false;
        for source in self.parts.sessions.sources.values_mut() {
            rung |= source.rung()?;
        }
        Ok(rung)
    }

    /// Whether writers on every source wake us.
    pub fn armed(&self) -> bool {
        self.parts.sessions.sources.values().all(Source::armed)
    }

    /// The sources on which arming happened since this was last asked.
    pub fn take_freshly_armed(&mut self) -> Vec<MemberId> {
        let fresh =
            self.parts.sessions.sources.iter_mut().filter_map(|(number, source)| source.take_freshly_armed().then_some(*number));
        fresh.collect()
    }

    /// Reclaims consumed deltas on the sources; says whether anything is left to be reclaimed
    /// later.
    pub fn rotate(&mut self, retention: f64) -> Result<bool> {
        let mut left = false;
        if self.parts.copies.only || self.parts.rehearses {
            return Ok(left);
        }
        for source in self.parts.sessions.sources.values_mut() {
            left |= retire::retire(&mut source.conn)?;
            left |= reclaim::rotate(&mut source.conn, retention)?;
        }
        Ok(left)
    }

    /// The sockets of all sessions.
    pub fn fds(&self) -> Vec<RawFd> {
        self.parts.sessions.all().map(|(_, conn)| conn.fd()).collect()
    }

    /// The session on the source of the herd.
    pub fn first_source(&mut self) -> Option<&mut Connection> {
        self.parts.sessions.sources.get_mut(&MemberId::FIRST).map(|source| &mut source.conn)
    }

    /// The sessions on all sources.
    pub fn sources(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.parts.sessions.sources.values_mut().map(|source| &mut source.conn)
    }

    /// Whether a receiver lets us switch triggers off by now, for which other plans are needed.
    pub fn may_be_quiet_now(&mut self) -> Result<bool> {
        let mut may_be = false;
        for target in self.parts.sessions.targets.values_mut() {
            may_be |= target.may_be_quiet_now()?;
        }
        Ok(may_be)
    }

    /// Notices sessions that are lost.
    pub fn check(&mut self) -> Result<()> {
        let checked = self.parts.sessions.all_mut().try_for_each(|conn| conn.drain_notifications().map(drop));
        checked.map_err(|error| self.named(error))
    }

    /// Says which database is gone, if one is.
    pub fn named(&self, error: Error) -> Error {
        match self.parts.sessions.all().find(|(_, conn)| conn.is_closed()) {
            Some((name, _)) => error.context(name),
            None => error,
        }
    }
}
