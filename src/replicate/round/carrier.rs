//! The carrier: everything that one KID needs to run rounds.

use super::at;
use crate::control::sync::Bypass;
use crate::error::{Error, Kind, Result};
use crate::pg::Connection;
use crate::replicate::capture::{reclaim, retire};
use crate::replicate::copy::workers::{CopyConnections, CopyWorkers};
use crate::replicate::plan::Plan;
use crate::replicate::plan::strategy::Strategy;
use crate::replicate::round::retry_mode::RetryMode;
use crate::replicate::round::sequence::Sequences;
use crate::replicate::session::source::Source;
use crate::replicate::session::target::Target;
use crate::replicate::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::RawFd;

/// See the module's text.
pub struct Carrier {
    pub(super) parts: Parts,
    /// The last round did not take all that was pending.
    pub(super) cut: bool,
    /// What the next round does otherwise, after rounds that failed.
    pub(super) retry: RetryMode,
    /// The tables that the present round is about.
    pub(super) working: Vec<usize>,
    /// The receivers' tables were compared with the plans while the round's locks on them were
    /// held.
    pub(super) receivers_checked: bool,
    pub(super) hands: CopyWorkers,
    /// The tables that the round's hands have copied.
    pub(super) apart: BTreeSet<usize>,
}

/// What a carrier is put together from. Members are numbered from 0, the source of the sync's herd.
pub struct Parts {
    /// The sync.
    pub sync: String,
    /// The members' names in the control database.
    pub names: Vec<String>,
    /// The sessions from which changes are read, by member.
    pub sources: BTreeMap<usize, Source>,
    /// The sessions in which rows are written, by member.
    pub targets: BTreeMap<usize, Target>,
    /// From each source to each receiver.
    pub lanes: Vec<Lane>,
    /// What is special about the tables, in the order of the plans.
    pub tables: Vec<Table>,
    /// The sequences.
    pub sequences: Sequences,
    /// The number of changes of one table after which a backlog is cut.
    pub batch: i64,
    /// Changes are not looked for: each job copies all tables as a whole.
    pub copies_only: bool,
    /// The request by which tables are copied once, to be noted on the receivers.
    pub copy_asked: Option<String>,
    /// The receivers where that is noted already.
    pub filled: BTreeSet<usize>,
    /// How to copy several tables at once, where there is one source.
    pub connections: Option<CopyConnections>,
    /// Records of conflicts hold the rows of all masters.
    pub details: bool,
    /// How long changes took is noted in the control database.
    pub rates: bool,
    /// Rounds are rolled back at their end, and no receipt moves.
    pub rehearses: bool,
    /// The target by which the KID is named.
    pub place: String,
    /// When the members were compared with how they were known, by the control database's clock.
    pub compared_at: String,
}

/// A way from one source to one receiver.
pub struct Lane {
    /// The source.
    pub from: usize,
    /// The receiver.
    pub to: usize,
    /// For all tables.
    pub(super) plans: Vec<Plan>,
    pub(super) receipt: Option<Snapshot>,
    pub(super) encoding: String,
    /// Whether the source has a copy of the receipt.
    pub(super) noted: bool,
    /// Whether all tables have been copied as a whole since the source was told.
    pub(super) copied: bool,
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

impl Lane {
    /// Not opened yet: it knows no receipt.
    pub fn new(from: usize, to: usize, plans: Vec<Plan>) -> Lane {
        Lane { from, to, plans, receipt: None, encoding: String::new(), noted: false, copied: false }
    }
}

impl Carrier {
    /// Puts the parts together and reads the receipts.
    pub fn new(parts: Parts) -> Result<Carrier> {
        let mut parts = parts.heeding_references()?;
        let Parts { sync, names, sources, targets, lanes, copies_only, .. } = &mut parts;
        for lane in lanes.iter_mut() {
            let (source, target) = (at(sources, lane.from)?, at(targets, lane.to)?);
            lane.receipt = target.receipt(sync, &names[lane.from])?;
            lane.encoding = common_encoding(source, target)?;
        }
        if !*copies_only {
            for (number, source) in sources {
                let receivers = lanes.iter().filter(|lane| lane.from == *number).map(|lane| names[lane.to].as_str());
                source.mark_for(sync, &receivers.collect::<Vec<_>>())?;
            }
        }
        Ok(Carrier {
            parts,
            cut: false,
            retry: RetryMode::default(),
            working: Vec::new(),
            receivers_checked: false,
            hands: CopyWorkers::default(),
            apart: BTreeSet::new(),
        })
    }

    /// A job begins.
    pub fn begin_job(&mut self) {
        if self.parts.copies_only {
            self.parts.tables.iter_mut().for_each(|table| table.copy = true);
        }
    }

    /// Whether each job copies all tables, so that what changes during a job is left to the next
    /// one that somebody asks for.
    pub fn copies_only(&self) -> bool {
        self.parts.copies_only
    }

    /// Whether there are several masters.
    pub(super) fn is_contested(&self) -> bool {
        self.parts.sources.len() > 1
    }

    /// Makes sure that no crash of a receiver's server undoes what the rounds brought it.
    pub fn settle(&mut self) -> Result<()> {
        let settled = self.parts.targets.values_mut().try_for_each(|target| target.settle(&self.parts.sync));
        settled.map_err(|error| self.named(error))
    }

    /// Tells each source how far its receivers are, once after each move: what they are said to
    /// have may be reclaimed.
    pub fn note_receipts(&mut self) -> Result<()> {
        if self.parts.rehearses {
            return Ok(());
        }
        self.settle()?;
        if self.parts.copies_only {
            return Ok(());
        }
        for lane in &mut self.parts.lanes {
            if let (false, Some(receipt)) = (lane.noted, &lane.receipt) {
                at(&mut self.parts.sources, lane.from)?.note_receipt(
                    &self.parts.sync,
                    &self.parts.names[lane.to],
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
        if self.parts.lanes.iter().any(|lane| lane.copied) { self.note_receipts() } else { Ok(()) }
    }

    /// Whether a crash of a source may still undo its mark.
    pub fn is_unsealed(&self) -> bool {
        self.parts.sources.values().any(Source::is_unsealed)
    }

    /// Makes sure that no crash of a source undoes its mark, and tells its receivers.
    pub fn seal(&mut self) -> Result<()> {
        let mut sealed: BTreeMap<usize, Vec<(&str, i64)>> = BTreeMap::new();
        for (from, source) in self.parts.sources.iter_mut().filter(|(_, source)| source.is_unsealed()) {
            let marks = source.seal()?;
            for lane in self.parts.lanes.iter().filter(|lane| lane.from == *from) {
                let mark = marks.get(&self.parts.names[lane.to]).map(|mark| (self.parts.names[*from].as_str(), *mark));
                sealed.entry(lane.to).or_default().extend(mark);
            }
        }
        for (to, marks) in sealed {
            at(&mut self.parts.targets, to)?.seal(&self.parts.sync, &marks)?;
        }
        Ok(())
    }

    /// Says on all sources that we are about to sleep. Look once more after this.
    pub fn arm(&mut self) -> Result<()> {
        self.parts.sources.values_mut().try_for_each(Source::arm)
    }

    /// Says on all sources that we are awake; also where another fails.
    pub fn disarm(&mut self) -> Result<()> {
        let alive = self.parts.sources.values_mut().filter(|source| !source.conn.is_closed());
        alive.map(Source::disarm).fold(Ok(()), Result::and)
    }

    /// Whether flags are to be looked at, while we sleep.
    pub fn may_ring(&self) -> bool {
        self.parts.sources.values().any(Source::may_ring)
    }

    /// Whether writers on one of the sources have marked its flag.
    pub fn rung(&mut self) -> Result<bool> {
        let mut rung = false;
        for source in self.parts.sources.values_mut() {
            rung |= source.rung()?;
        }
        Ok(rung)
    }

    /// Whether writers on every source wake us.
    pub fn armed(&self) -> bool {
        self.parts.sources.values().all(Source::armed)
    }

    /// The sources on which arming happened since this was last asked.
    pub fn take_freshly_armed(&mut self) -> Vec<usize> {
        let fresh = self.parts.sources.iter_mut().filter_map(|(number, source)| source.take_freshly_armed().then_some(*number));
        fresh.collect()
    }

    /// Reclaims consumed deltas on the sources; says whether anything is left to be reclaimed
    /// later.
    pub fn rotate(&mut self, retention: f64) -> Result<bool> {
        let mut left = false;
        if self.parts.copies_only || self.parts.rehearses {
            return Ok(left);
        }
        for source in self.parts.sources.values_mut() {
            left |= retire::retire(&mut source.conn)?;
            left |= reclaim::rotate(&mut source.conn, retention)?;
        }
        Ok(left)
    }

    /// The sockets of all sessions.
    pub fn fds(&self) -> Vec<RawFd> {
        self.sessions().map(|(_, conn)| conn.fd()).collect()
    }

    fn sessions(&self) -> impl Iterator<Item = (String, &Connection)> {
        let sources = self
            .parts
            .sources
            .iter()
            .map(|(number, source)| (format!("source database \"{}\"", self.parts.names[*number]), &source.conn));
        let targets = self
            .parts
            .targets
            .iter()
            .map(|(number, target)| (format!("target database \"{}\"", self.parts.names[*number]), &target.conn));
        sources.chain(targets)
    }

    /// The session on the source of the herd.
    pub fn first_source(&mut self) -> Option<&mut Connection> {
        self.parts.sources.get_mut(&0).map(|source| &mut source.conn)
    }

    /// The sessions on all sources.
    pub fn sources(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.parts.sources.values_mut().map(|source| &mut source.conn)
    }

    fn connections(&mut self) -> impl Iterator<Item = &mut Connection> {
        let sources = self.parts.sources.values_mut().map(|source| &mut source.conn);
        sources.chain(self.parts.targets.values_mut().map(|target| &mut target.conn))
    }

    /// Notices sessions that are lost.
    pub fn check(&mut self) -> Result<()> {
        let checked = self.connections().try_for_each(|conn| conn.drain_notifications().map(drop));
        checked.map_err(|error| self.named(error))
    }

    /// Says which database is gone, if one is.
    pub fn named(&self, error: Error) -> Error {
        match self.sessions().find(|(_, conn)| conn.is_closed()) {
            Some((name, _)) => error.context(name),
            None => error,
        }
    }
}

/// Bytes pass unchanged between servers of one encoding, whatever they are; else both sides speak
/// UTF8.
fn common_encoding(source: &mut Source, target: &mut Target) -> Result<String> {
    let ours = encoding(&mut source.conn)?;
    let same = ours == encoding(&mut target.conn)? && ours.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    Ok(if same { ours } else { "UTF8".to_owned() })
}

fn encoding(conn: &mut Connection) -> Result<String> {
    let setting = conn.prepare_cached("select current_setting('server_encoding')")?;
    let row = conn.query_opt(&setting, &[])?;
    row.map(|row| row.get(0)).ok_or_else(|| Error::new(Kind::Bug, "the server has no encoding"))
}
